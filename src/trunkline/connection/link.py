"""A link joins a stream of bytes and an endpoint, and carries out the close handshake."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from trunkline.close_codes import Close, CloseCode
from trunkline.connection.consumer import Consumer, Data, Owner
from trunkline.connection.debts import NO_DEBTS, Debts
from trunkline.connection.ending import NO_END, Ending
from trunkline.connection.follower import Follower
from trunkline.connection.keepalive import feel_pulse
from trunkline.connection.meter import Meter
from trunkline.connection.pings import NO_PINGS, Pings
from trunkline.connection.pulse import Pulse
from trunkline.connection.setting import Setting
from trunkline.connection.state import State
from trunkline.engines.engine import Stream
from trunkline.errors import Closer, ConnectionClosed, InvalidState, PeerError
from trunkline.limits import FAILURE_GRACE
from trunkline.protocol.closing import encode_close, shorten_reason
from trunkline.protocol.endpoint import Endpoint
from trunkline.protocol.events import Binary, Event, Ping, Pong, Text
from trunkline.protocol.role import Role

if TYPE_CHECKING:
    from trunkline.connection.outbox import Outbox


class Link(Pulse):
    """One connection after its opening handshake. It is its stream's receiver.

    Args:
        setting: what it shares with others.
        stream: carries the bytes.
    """

    __slots__ = ("debts", "ending", "endpoint", "is_lost", "latency", "owner", "sender")

    def __init__(self, setting: Setting, stream: Stream) -> None:
        super().__init__(setting, stream)
        self.owner: Owner | None = None
        self.sender: Outbox | None = None  # once it was needed
        self.endpoint: Endpoint
        self.is_lost = False
        self.latency = 0.0
        """The latest round-trip time in seconds; 0 before the first pong."""
        # Of its own only where there is something to say
        self.ending = NO_END
        self.debts = NO_DEBTS

    def open(self, endpoint: Endpoint, owner: Owner, received: bytes) -> None:
        """Begin the conversation.

        Args:
            endpoint: made from what the handshake agreed on.
            owner: has who takes the messages.
            received: bytes that arrived behind the handshake.
        """
        self.endpoint = endpoint
        self.owner = owner
        self.stream.receiver = self
        self.last_heard = self.engine.now()
        if self.limits.ping_interval:
            self.engine.timers.set(self, self.limits.ping_interval)
        if self.limits.are_metered:
            self.meter = Meter(self)
        self.consumer.opened()
        if received:
            self.bytes_received(received)
        self._catch_up()

    def _catch_up(self) -> None:
        """Take note of what the stream told the receiver before."""
        if self.stream.is_lost:
            self.stream_lost(None)
        elif self.stream.has_ended:
            self.end_received()
        elif not self.is_deaf:
            self.stream.resume_reading()

    @property
    def consumer(self) -> Consumer:
        """Takes the messages, once there can be any."""
        assert self.owner is not None
        return self.owner.consumer

    @property
    def is_open(self) -> bool:
        """Whether the conversation has begun; that stays so after its end."""
        return self.owner is not None

    @property
    def state(self) -> State:
        """How far the connection has come."""
        if self.is_lost:
            return State.CLOSED
        if not self.is_open:
            return State.CONNECTING
        return State.OPEN if self.can_send else State.CLOSING

    @property
    def is_at_rest(self) -> bool:
        """Whether there is nothing to do until somebody says something."""
        is_undisturbed = not self.is_reading_paused and self.stuck is None
        return self.can_send and is_undisturbed and not (self.debts or self.pings)

    @property
    def has_ended(self) -> bool:
        """Whether nothing can be sent or received any more."""
        return self.ending.has_come

    @property
    def can_send(self) -> bool:
        """Whether messages may be sent."""
        return self.is_open and self.ending.sent is None and not self.has_ended

    # Receiving: called by the stream

    def bytes_received(self, data: bytes) -> None:
        """Take what arrived, and act on each event in turn."""
        self.traffic.bytes_received += len(data)
        if self.meter is not None:
            self.meter.receive(data)
            return
        for event in self.endpoint.receive_bytes(data):
            # A consumer may cut the connection while it is told of an earlier event.
            if self.has_ended:
                return
            self.receive(event)

    def end_received(self) -> None:
        """The peer ends the stream: in its turn, or without a close frame."""
        if not self.has_ended:
            self._end()
            self.set_deadline(self.stream.abort)
        self.stream.close()

    def writing_resumed(self) -> None:
        """There is room again: pay the pong that is owed, and let the senders go on."""
        owed = self.debts.take_pong()
        if owed is not None:
            self._send_pong(owed)
        self.debts.room.wake()
        self.debts.tell_drained()
        if self.can_send:
            self.consumer.drained()

    def stream_lost(self, error: Exception | None) -> None:
        """The stream is gone; this is the last that is heard of it."""
        if error is not None and self.ending.cause is None:
            self._own_ending().cause = error
        self._end()
        self.set_deadline(None)
        self._let_meter_go()
        self.is_lost = True
        self.debts.loss.wake()
        self.consumer.lost()
        if self.setting.when_lost is not None:
            self.setting.when_lost(self.owner)

    def receive(self, event: Event) -> None:
        """Act on one event."""
        match event:
            case Text() | Binary():
                # As in browsers: whoever has said goodbye listens no longer.
                if self.can_send:
                    self.traffic.messages_received += 1
                    self.consumer.message(event.data)
            case Ping():
                self.traffic.control_received += 1
                self._send_pong(event.payload)
                self.consumer.ping(event.payload)
            case Pong():
                self.traffic.control_received += 1
                self._pong_received(event.payload)
                self.consumer.pong(event.payload)
            case Close():
                self._close_received(event)
            case _:
                self._peer_failed(event.error)

    def pause_reading(self) -> None:
        """Let the peer wait, unless it is only waited for its goodbye."""
        if self.can_send and not self.is_reading_paused:
            self.is_reading_paused = True
            self.stream.pause_reading()

    def resume_reading(self) -> None:
        """Listen again, unless a failure waits: what follows it means nothing."""
        if self.is_reading_paused and self.debts.failure is None:
            self.is_reading_paused = False
            self.listen()

    def listen(self) -> None:
        """Read on, unless somebody else lets the peer wait: a user or a rate."""
        if not self.is_deaf:
            self.last_heard = self.engine.now()
            self.stream.resume_reading()

    # Sending

    def send_message(self, data: Data, *, as_text: bool, compress: bool) -> None:
        """Send a message without waiting; raise `ConnectionClosed` where that is over."""
        self.check_open()
        if as_text:
            text = data if isinstance(data, str) else data.decode()
            self.send_frames(self.endpoint.send_text(text, compress=compress), messages=1)
        else:
            binary = data.encode() if isinstance(data, str) else data
            self.send_frames(self.endpoint.send_binary(binary, compress=compress), messages=1)

    def send_frames(self, frames: bytes, *, messages: int) -> None:
        """Send encoded frames, with which so many messages are complete."""
        self.traffic.messages_sent += messages
        self.traffic.bytes_sent += len(frames)
        self.stream.write(frames)

    def send_control(self, frame: bytes) -> None:
        """Send an encoded control frame: it says nothing."""
        if self.meter is not None:
            self.meter.control_sent(len(frame))
        self.send_frames(frame, messages=0)

    async def drain(self) -> None:
        """Wait while the unsent bytes are above high water.

        Raises:
            ConnectionClosed: the connection ended meanwhile.
        """
        while self.stream.is_writing_paused:
            if self.has_ended:
                raise self.closed()
            await self._own_debts().room.wait()

    def give_up_slow(self, why: str) -> None:
        """End the connection because too much waits for it; the peer may come back."""
        reason = f"the peer does not read: {why}"
        self._fail(Close(CloseCode.TRY_AGAIN_LATER, reason), self.stream.abort)

    def send_ping(self, payload: bytes) -> Pings:
        """Send a ping, and give the pings under way, which are to take note of it."""
        self.send_control(self.endpoint.send_ping(payload))
        if self.pings is NO_PINGS:
            self.pings = Pings()
        return self.pings

    def _pong_received(self, payload: bytes) -> None:
        latency = self.pings.answered(payload, self.engine.now())
        if latency is not None:
            self.latency = latency
        if not self.pings:
            self.pings = NO_PINGS
        if latency is not None and self.setting.when_timed is not None:
            self.setting.when_timed(latency)

    def _send_pong(self, payload: bytes) -> None:
        if not self.can_send:
            return
        # RFC 6455 §5.5.3: where answers pile up, only the latest ping needs one
        if self.stream.is_writing_paused:
            self._own_debts().pong = payload
        else:
            self.send_control(self.endpoint.send_pong(payload))

    # Followers

    def follow(self, follower: Follower) -> None:
        """Tell `follower` when messages can be sent, and when not."""
        self._own_debts().followers[follower] = None

    def unfollow(self, follower: Follower) -> None:
        """Tell `follower` nothing more."""
        self.debts.followers.pop(follower, None)

    def tell_end(self, when_ended: Callable[[], None] | None) -> None:
        """Call `when_ended` when nothing can be sent or received any more; `None`: no longer."""
        self._own_debts().when_ended = when_ended

    # Keep-alive

    def fire(self) -> None:
        """A deadline has come: of a closing phase, or of the keep-alive."""
        when_due, self.when_due = self.when_due, None
        if when_due is not None:
            when_due()
        else:
            self._feel_pulse()

    def _feel_pulse(self) -> None:
        interval, timeout = self.limits.ping_interval, self.limits.ping_timeout
        assert interval is not None
        max_stall = self.limits.max_stall
        delay = feel_pulse(self, self.engine.now(), interval, timeout, max_stall)
        if delay is not None:
            self.engine.timers.set(self, delay)

    def send_keepalive_ping(self) -> None:
        """Ask for a sign of life."""
        payload = self.pings.new_payload()
        self.send_ping(payload).keepalive_sent(payload, self.engine.now())

    def give_up(self, silence: float) -> None:
        """End the connection after `silence` seconds without an answer to a ping."""
        reason = f"no answer to a ping, silent for {silence:.1f} s"
        self._own_ending().fail(Close(CloseCode.ABNORMAL_CLOSURE, reason))
        self._send_close(CloseCode.INTERNAL_ERROR, "no answer to a ping")
        self._end()
        self.set_deadline(self.stream.abort)
        self.stream.close()

    def give_up_unread(self, seconds: float) -> None:
        """End the connection after `seconds` in which the peer read nothing."""
        self.give_up_slow(f"nothing has left for {seconds:.1f} s")

    # Closing

    def close(self, code: int | None, reason: str) -> None:
        """Begin the close handshake; nothing happens where it has begun.

        Raises:
            InvalidState: the connection is not open yet.
            ValueError: code or reason must not be sent.
        """
        if not (self.is_open or self.is_lost):
            raise InvalidState("the connection is not open yet: refuse it with a response")
        self.settle()
        if not self.can_send:
            return
        self._send_close(code, reason)
        self._own_ending().closer = Closer.LOCAL
        self.set_deadline(self._close_timed_out)
        self._hear_out()

    def fail_locally(self, code: CloseCode, reason: str) -> None:
        """End the conversation because of a mistake on this side."""
        self.close(code, shorten_reason(reason))

    def refuse(self, reason: str) -> None:
        """End the conversation because the peer sends more than it may."""
        self.traffic.closed += 1
        self._fail(Close(CloseCode.POLICY_VIOLATION, reason), self.stream.end_writing)

    def settle(self) -> None:
        """Carry out a failure that waited for its consumer."""
        error = self.debts.take_failure()
        if error is not None:
            self._fail(Close(error.code, error.reason), self.stream.end_writing)

    def abort(self) -> None:
        """Let go at once, without a word."""
        if self.is_open and not self.has_ended:
            self._own_ending().closer = Closer.LOCAL
            self._end()
            self.set_deadline(None)
        self.stream.abort()

    async def wait_lost(self) -> None:
        """Wait until the stream is gone."""
        while not self.is_lost:
            await self._own_debts().loss.wait()

    def check_open(self) -> None:
        """Raise `ConnectionClosed` where nothing can be sent any more."""
        if not self.can_send:
            raise self.closed()

    def closed(self) -> ConnectionClosed:
        """Make the error that says how the connection ended, or is ending."""
        return self.ending.error(self.engine.now() - self.last_heard)

    def _close_received(self, close: Close) -> None:
        ending = self._own_ending()
        ending.rcvd = close
        if ending.sent is None:
            ending.closer = Closer.PEER
            # RFC 6455 §5.5.1: the answer repeats the code that was received
            code = None if close.code == CloseCode.NO_STATUS_RCVD else close.code
            self._send_close(code, close.reason)
        self._end()
        self._finish_stream()

    def _peer_failed(self, error: PeerError) -> None:
        self._own_debts().failure = error
        if not self.can_send or self.consumer.is_settled():
            self.settle()
        else:
            self.pause_reading()
            self.set_deadline(self.settle, FAILURE_GRACE)

    def _fail(self, failure: Close, let_go: Callable[[], None]) -> None:
        self._own_ending().fail(failure)
        self._send_close(failure.code, shorten_reason(failure.reason))
        self._end()
        self.set_deadline(self.stream.abort)
        self._hear_out()
        let_go()

    def _finish_stream(self) -> None:
        """Let the stream end: the server begins with it (RFC 6455 §7.1.1)."""
        self.set_deadline(self.stream.abort)
        self._hear_out()
        if self.setting.role is Role.SERVER:
            self.stream.end_writing()

    def _let_meter_go(self) -> None:
        if self.meter is not None:
            self.meter.let_go()

    def _hear_out(self) -> None:
        """Listen to the end, whoever lets the peer wait."""
        is_held = self.is_deaf and not self.is_reading_paused
        self._let_meter_go()
        if is_held:
            self.listen()
        self.resume_reading()

    def _send_close(self, code: int | None, reason: str) -> None:
        if self.ending.sent is None:
            if self.debts.followers:
                encode_close(code, reason)  # nobody is told of a close that cannot be sent
                self.debts.tell_ending()
            frame = self.endpoint.send_close(code, reason)
            self._own_ending().sent = Close(
                CloseCode.NO_STATUS_RCVD if code is None else code, reason
            )
            self.send_control(frame)

    def _close_timed_out(self) -> None:
        seconds = self.limits.close_timeout
        reason = f"no answer to the close frame within {seconds} s"
        self._own_ending().fail(Close(CloseCode.ABNORMAL_CLOSURE, reason))
        self.stream.abort()

    def _end(self) -> None:
        """Take note, once, that nothing more will be received.

        What this had no memory for is left to the loss of the stream, which comes here again.
        """
        if self.ending.is_told:
            return
        ending = self._own_ending()
        if not ending.has_come:
            ending.silence = self.engine.now() - self.last_heard
        self.debts.tell_ending()
        self._give_reason()
        self.endpoint.receive_end()
        if self.pings:
            self.pings.fail(self.closed())
        self.debts.room.wake()
        if self.debts.when_ended is not None:
            self.debts.when_ended()
        self.consumer.ended()
        ending.is_told = True

    def _give_reason(self) -> None:
        """Report a failure that waited until it was too late for a close frame."""
        error = self.debts.take_failure()
        if error is not None:
            self._own_ending().fail(Close(error.code, error.reason))

    # Made when there is something to say

    def _own_ending(self) -> Ending:
        if self.ending is NO_END:
            self.ending = Ending()
        return self.ending

    def _own_debts(self) -> Debts:
        if self.debts is NO_DEBTS:
            self.debts = Debts()
        return self.debts
