"""What a peer may send, and when nobody says anything any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trunkline.close_codes import CloseCode
from trunkline.connection.bucket import Bucket
from trunkline.engines.timers import Timer
from trunkline.limits import IDLE_LOOKS, Excess
from trunkline.protocol.events import Binary, Event, Ping, Pong, Text

if TYPE_CHECKING:
    from trunkline.connection.link import Link

WRAP = 0xFFFF_FFFF
"""Native streams count what they have sent in so many bits."""


class Meter(Timer):
    """Stands before a link whose limits have rates, and hands on what they allow.

    It is also the one timer that it needs: of the pause that the rates ask for, and between
    pauses of the look whether the connection is idle.

    Args:
        link: of an open connection.
    """

    __slots__ = (
        *("_bytes", "_control", "_control_sent", "_debt", "_link", "_messages"),
        *("_now", "_spoken_at", "_written", "is_holding"),
    )

    def __init__(self, link: Link) -> None:
        super().__init__()
        self._link = link
        self._messages = Bucket(link.limits.message_rate, "messages")
        self._bytes = Bucket(link.limits.byte_rate, "bytes")
        self._control = Bucket(link.limits.control_rate, "control frames")
        self._now = self._spoken_at = link.engine.now()
        self._written = self._control_sent = 0
        self._debt = 0.0
        self.is_holding = False
        """Whether the peer waits because of a rate."""
        self._has_sent()  # from here on
        self._look_later()

    # Receiving: called by the link

    def receive(self, data: bytes) -> None:
        """Hand on what arrived in one read, and let the peer wait where it was too much."""
        link = self._link
        self._now, self._debt = link.last_heard, 0.0
        self._charge(self._bytes, len(data))
        for event in link.endpoint.receive_bytes(data):
            # A consumer may cut the connection while it is told of an earlier event.
            if link.has_ended:
                return
            if self._admits(event):
                link.receive(event)
        self._charge(self._control, link.endpoint.take_empty_fragments())
        if self._debt and self._is_counting:
            self._hold(self._debt)

    @property
    def _is_counting(self) -> bool:
        """Whether it still matters: who has said goodbye, or failed, is not listened to."""
        return self._link.can_send and self._link.debts.failure is None

    def _admits(self, event: Event) -> bool:
        """Say whether an event is to be handed on; do what becomes of it where not."""
        if not self._link.can_send:
            return True
        match event:
            case Text() | Binary():
                self._spoken_at = self._now
                if not self._allows(self._messages):
                    self._drop(event.data)
                    return False
            case Ping() | Pong():
                if not self._allows(self._control):
                    self._drop(None)
                    return False
        return True

    def _allows(self, bucket: Bucket) -> bool:
        """Charge a bucket for an event; say whether that may be handed on."""
        excess = self._link.limits.on_excess
        if excess is Excess.PAUSE:
            self._charge(bucket, 1)
            return True
        if bucket.take(self._now, 1):
            return True
        if excess is Excess.CLOSE:
            self._close(bucket)
        return False

    def _charge(self, bucket: Bucket, tokens: int) -> None:
        """Charge a bucket for what has been taken: it can be paid for, but not be dropped."""
        if not (tokens and self._is_counting):
            return
        if self._link.limits.on_excess is not Excess.CLOSE:
            self._debt = max(self._debt, bucket.borrow(self._now, tokens))
        elif not bucket.take(self._now, tokens):
            self._close(bucket)

    # What becomes of too much

    def _drop(self, data: str | bytes | None) -> None:
        link = self._link
        if link.has_ended:
            return
        link.traffic.dropped += 1
        if data is not None and link.setting.when_dropped is not None:
            link.setting.when_dropped(link.owner, data)

    def _close(self, bucket: Bucket) -> None:
        assert bucket.rate is not None  # what has no limit is never above it
        self._link.refuse(f"over {bucket.rate.of(bucket.what)}")

    def _hold(self, seconds: float) -> None:
        if not self.is_holding:
            self.is_holding = True
            self._link.traffic.paused += 1
            self._link.stream.pause_reading()
        self._link.engine.timers.set(self, seconds)

    # Called by the link

    def let_go(self) -> None:
        """Let the peer wait no longer, and look no more: the connection is ending."""
        self.is_holding = False
        self.cancel()

    def control_sent(self, size: int) -> None:
        """Take note of so many bytes that were written, and are no message."""
        self._control_sent += size

    # Called by the timer wheel

    def fire(self) -> None:
        """A pause is over; or it is time to look whether the connection is idle."""
        if self.is_holding:
            self.is_holding = False
            self._link.listen()
            self._look_later()
        elif self._link.can_send:
            self._look()

    def _look(self) -> None:
        now, limit = self._link.engine.now(), self._link.limits.idle_timeout
        assert limit is not None
        if self._has_sent():
            self._spoken_at = now
        silence = now - self._spoken_at
        if silence < limit:
            self._look_later(limit - silence)
        else:
            reason = f"no message for {silence:.1f} s, limit {limit:g} s"
            self._link.close(CloseCode.GOING_AWAY, reason)

    def _has_sent(self) -> bool:
        """Say whether a message was written since this was asked last, by whoever did it."""
        stream = self._link.stream
        written = stream.sent + stream.unsent - self._control_sent & WRAP
        before, self._written = self._written, written
        return written != before

    def _look_later(self, at_most: float = float("inf")) -> None:
        """Look again in a while, where that is asked for."""
        limit = self._link.limits.idle_timeout
        if limit is not None:
            self._link.engine.timers.set(self, min(at_most, limit / IDLE_LOOKS))
