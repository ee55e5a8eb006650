"""What a link does with each event, and how it lets go; see also test_close_handshake.py."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

import pytest

from tests.connection.memory_stream import Line, advance, end_of, make_line, open_line, rounds
from trunkline.close_codes import CloseCode
from trunkline.connection.connection import Connection
from trunkline.connection.debts import NO_DEBTS
from trunkline.connection.ending import NO_END, Ending
from trunkline.connection.events import Events
from trunkline.connection.pings import NO_PINGS, Pings
from trunkline.connection.state import State
from trunkline.errors import (
    Closer,
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    InvalidState,
)
from trunkline.limits import FAILURE_GRACE, TICK, Excess, Rate
from trunkline.protocol.events import Binary, Close, Ping, Pong, Text
from trunkline.protocol.handshake import Agreement
from trunkline.protocol.role import Role

LATE = 2 * TICK
ROLES = pytest.mark.parametrize("role", list(Role))


# Opening


async def test_the_states_follow_each_other() -> None:
    line = make_line()
    assert line.link.state is State.CONNECTING
    line.connection.open(Agreement(), None, b"")
    assert line.link.state is State.OPEN
    line.connection.close_soon()
    assert line.link.state is State.CLOSING
    line.peer.close()
    assert line.link.state is State.CLOSING
    line.peer.hang_up()
    await line.connection.wait_closed()
    assert line.link.state is State.CLOSED


async def test_reading_begins_when_the_connection_opens() -> None:
    line = make_line()
    line.stream.pause_reading()
    line.connection.open(Agreement(), None, b"")
    assert not line.stream.is_reading_paused


async def test_reading_does_not_begin_where_the_inbox_is_full_already() -> None:
    line = make_line(max_queue=1)
    line.stream.pause_reading()
    line.connection.open(Agreement(), None, bytes([0x81, 0x80]) + bytes(4))
    assert line.stream.is_reading_paused
    await line.connection.recv()
    assert not line.stream.is_reading_paused


async def test_a_stream_that_was_lost_before_is_noticed() -> None:
    line = make_line()
    line.stream.is_lost = True
    line.connection.open(Agreement(), None, bytes([0x81, 0x80]) + bytes(4))
    assert line.link.state is State.CLOSED
    assert await line.connection.recv() == ""
    with pytest.raises(ConnectionClosedError):
        await line.connection.recv()
    assert len(line.engine.timers) == 0


async def test_a_peer_that_ended_before_is_noticed() -> None:
    line = make_line()
    line.stream.has_ended = True
    line.connection.open(Agreement(), None, bytes([0x81, 0x80]) + bytes(4))
    assert await line.connection.recv() == ""
    await line.connection.wait_closed()
    assert end_of(line) == (ConnectionClosedError, 1006, "", Closer.NOBODY)


# Closing


async def test_messages_behind_our_goodbye_are_dropped_and_earlier_ones_kept() -> None:
    line = open_line()
    line.peer.text("before")
    line.connection.close_soon()
    line.peer.text("behind")
    line.peer.ping()
    line.peer.close()
    assert line.peer.heard == [Close(1000, "")]
    assert await line.connection.recv() == "before"
    with pytest.raises(ConnectionClosedOK):
        await line.connection.recv()


async def test_reading_is_not_paused_behind_our_goodbye() -> None:
    line = open_line(events=Events())
    line.connection.close_soon()
    line.connection.pause_reading()
    assert not line.stream.is_reading_paused


async def test_a_mistake_behind_our_goodbye_ends_it_at_once() -> None:
    line = open_line()
    line.peer.text("unread")
    line.connection.close_soon(1000)
    line.peer.blunder()
    assert line.link.has_ended
    assert line.connection.closed().code == 1002
    line.peer.hang_up()
    await line.connection.wait_closed()
    assert await line.connection.recv() == "unread"


async def test_the_server_ends_the_stream_first() -> None:
    server, client = open_line(Role.SERVER), open_line(Role.CLIENT)
    for line in (server, client):
        line.peer.close()
        assert not line.stream.is_closing
    assert server.stream.writing_ended
    assert not client.stream.writing_ended
    for line in (server, client):
        line.peer.hang_up()
        await line.connection.wait_closed()
        assert not line.stream.was_aborted


async def test_closing_settles_a_mistake_that_waits() -> None:
    line = open_line()
    line.peer.blunder(line.peer.endpoint.send_text("a"))
    line.connection.close_soon(1000)
    assert line.peer.closed is not None and line.peer.closed.code == 1002


async def test_an_end_is_clean_where_close_frames_went_both_ways() -> None:
    line = open_line()
    line.connection.close_soon()
    assert end_of(line) == (ConnectionClosedOK, 1000, "", Closer.LOCAL)
    assert not line.link.ending.was_clean
    line.peer.close()
    assert line.link.ending.was_clean


# The line is lost


async def test_whoever_watches_is_told_last() -> None:
    seen: list[State] = []
    line = open_line(when_lost=lambda _: seen.append(line.link.state))
    line.stream.lose(None)
    assert seen == [State.CLOSED]


async def test_waiting_for_the_end_of_a_lost_connection_is_over_at_once() -> None:
    line = open_line()
    line.stream.lose(None)
    await line.connection.wait_closed()
    await line.connection.close()
    assert line.stream.writes == []


# Cutting


async def test_an_abort_ends_the_conversation_at_once_and_without_a_word() -> None:
    line = open_line()
    reader = asyncio.create_task(line.connection.recv())
    await rounds()
    line.connection.abort()
    assert line.link.state is State.CLOSING
    with pytest.raises(ConnectionClosedError):
        line.connection.send_soon("x")
    await line.connection.wait_closed()
    with pytest.raises(ConnectionClosedError):
        await reader
    assert line.stream.writes == []
    assert end_of(line) == (ConnectionClosedError, 1006, "", Closer.LOCAL)


async def test_an_abort_does_not_change_who_ended_it() -> None:
    line = open_line()
    line.peer.close(1000, "bye")
    line.connection.abort()
    await line.connection.wait_closed()
    line.connection.abort()
    assert end_of(line) == (ConnectionClosedOK, 1000, "bye", Closer.PEER)


async def test_an_abort_before_the_opening_cuts_the_stream() -> None:
    line = make_line()
    line.stream.receiver = line.link
    line.connection.abort()
    assert line.stream.was_aborted
    line.stream.is_lost = True  # so that nobody is told


# The peer breaks a rule


@ROLES
async def test_a_mistake_is_answered_with_its_code_and_its_name(role: Role) -> None:
    line = open_line(role)
    line.peer.blunder()
    closed = line.peer.closed
    assert closed is not None and closed.code == 1002 and "opcode" in closed.reason
    assert line.stream.writing_ended
    line.peer.hang_up()
    await line.connection.wait_closed()
    assert end_of(line) == (ConnectionClosedError, 1002, closed.reason, Closer.LOCAL)


async def test_a_peer_that_made_a_mistake_and_stays_is_cut() -> None:
    line = open_line(close_timeout=5)
    line.peer.blunder()
    await advance(line, 5 + LATE)
    assert line.link.state is State.CLOSED


async def test_a_mistake_waits_for_the_handler_but_not_for_long() -> None:
    line = open_line()
    line.peer.blunder(line.peer.endpoint.send_text("a"))
    await line.connection.recv()
    await advance(line, FAILURE_GRACE - LATE)
    assert line.peer.closed is None
    assert line.link.state is State.OPEN
    await advance(line, 2 * LATE)
    assert line.peer.closed is not None and line.peer.closed.code == 1002


async def test_what_follows_a_mistake_that_waits_is_not_read() -> None:
    line = open_line()
    line.peer.blunder(line.peer.endpoint.send_text("a"))
    line.peer.hang_up()
    assert await line.connection.recv() == "a"
    await rounds()
    await line.connection.send("answer")
    with pytest.raises(ConnectionClosedError) as caught:
        await line.connection.recv()
    assert caught.value.code == 1002
    assert [type(event).__name__ for event in line.peer.heard] == ["Text", "Close"]
    await line.connection.wait_closed()


async def test_a_mistake_is_still_the_reason_where_the_stream_goes_first() -> None:
    line = open_line()
    line.peer.blunder(line.peer.endpoint.send_text("a"))
    line.stream.lose(BrokenPipeError())
    error = line.connection.closed()
    assert (error.code, error.closer, error.sent) == (1002, Closer.LOCAL, None)
    assert isinstance(error.__cause__, BrokenPipeError)
    assert await line.connection.recv() == "a"


# Pings


async def test_a_ping_is_answered_with_its_payload() -> None:
    line = open_line()
    line.peer.ping(b"abc")
    assert line.peer.heard == [Pong(b"abc")]


async def test_of_a_flood_of_pings_only_the_latest_is_answered() -> None:
    line = open_line(write_limit=100)
    line.stream.stall()
    line.connection.send_soon(bytes(101))
    unsent = line.connection.buffered_amount
    for number in range(1_000):
        line.peer.ping(b"%d" % number)
    assert line.connection.buffered_amount == unsent
    line.stream.flow()
    assert line.peer.heard[1:] == [Pong(b"999")]
    line.peer.ping(b"and on")
    assert line.peer.heard[2:] == [Pong(b"and on")]


async def test_a_pong_that_is_owed_is_not_paid_behind_a_goodbye() -> None:
    line = open_line(write_limit=100)
    line.stream.stall()
    line.connection.send_soon(bytes(101))
    line.peer.ping(b"1")
    line.connection.close_soon()
    line.stream.flow()
    assert line.peer.heard[1:] == [Close(1000, "")]


# Keep-alive


async def test_silence_is_asked_about_and_then_ended() -> None:
    line = open_line(ping_interval=20, ping_timeout=10, close_timeout=5)
    await advance(line, 20 + LATE)
    assert [type(event) for event in line.peer.heard] == [Ping]
    await advance(line, 10)
    error = line.connection.closed()
    assert (error.code, error.closer) == (1006, Closer.LOCAL)
    assert error.reason.startswith("no answer to a ping, silent for 30.")
    assert error.silence == pytest.approx(30, abs=4 * TICK)
    assert line.peer.closed == Close(1011, "no answer to a ping")
    assert line.link.state is State.CLOSED


async def test_a_silent_peer_that_reads_nothing_is_cut() -> None:
    line = open_line(ping_interval=20, ping_timeout=10, close_timeout=5)
    line.stream.stall()
    await advance(line, 30 + 2 * LATE)
    assert line.link.state is State.CLOSING
    await advance(line, 5 + LATE)
    assert line.link.state is State.CLOSED
    assert line.stream.was_aborted


async def test_a_pong_to_a_keepalive_ping_gives_the_latency() -> None:
    line = open_line(ping_interval=20)
    await advance(line, 20 + LATE)
    ping = line.peer.heard[0]
    assert isinstance(ping, Ping)
    line.clock.advance(0.25)
    line.peer.pong(ping.payload)
    assert 0.25 <= line.connection.latency <= 0.25 + LATE + TICK


async def test_an_answered_ping_leaves_nothing_behind() -> None:
    line = open_line(ping_interval=20)
    await advance(line, 20 + LATE)
    ping = line.peer.heard[0]
    assert isinstance(ping, Ping)
    line.peer.pong(ping.payload)
    assert line.link.pings is NO_PINGS
    assert line.link.ending is NO_END
    assert line.link.debts is NO_DEBTS


async def test_a_link_is_at_rest_while_it_has_nothing_to_do() -> None:
    line = make_line()
    assert not line.link.is_at_rest
    line.connection.open(Agreement(), None, b"")
    assert line.link.is_at_rest
    line.connection.pause_reading()
    assert not line.link.is_at_rest
    line.connection.resume_reading()
    pong = line.connection.ping(b"a")
    assert not line.link.is_at_rest
    line.peer.pong(b"a")
    await pong
    leaving = asyncio.create_task(line.connection.wait_closed())
    await rounds()
    assert not line.link.is_at_rest
    leaving.cancel()
    await rounds()
    assert line.link.is_at_rest
    line.link.stuck = (0, 0.0)
    assert not line.link.is_at_rest
    line.link.stuck = None
    line.connection.close_soon()
    assert not line.link.is_at_rest


async def test_what_links_share_as_long_as_nothing_happens_is_never_written_to() -> None:
    line = open_line(write_limit=10)
    line.peer.pong(b"unasked")
    line.stream.stall()
    line.connection.send_soon(bytes(20))
    line.peer.ping(b"owed")
    line.stream.flow()
    line.connection.close_soon()
    line.peer.close()
    line.peer.hang_up()
    await line.connection.wait_closed()
    assert Ending() == NO_END
    assert not NO_PINGS
    assert not NO_DEBTS
    assert not NO_DEBTS.followers


@pytest.mark.parametrize("interval", [None, 0])
async def test_keepalive_can_be_switched_off(interval: float | None) -> None:
    line = open_line(ping_interval=interval)
    await advance(line, 1_000)
    assert line.peer.heard == []
    assert len(line.engine.timers) == 0


async def test_a_peer_that_cannot_be_heard_is_not_blamed() -> None:
    line = open_line(max_queue=1, ping_interval=20, ping_timeout=10)
    line.peer.text("a")
    await advance(line, 1_000)
    assert line.link.state is State.OPEN
    assert line.peer.heard == []


async def test_a_blocked_loop_is_not_blamed_on_the_peer(caplog: pytest.LogCaptureFixture) -> None:
    line = open_line(ping_interval=20, ping_timeout=10)
    await advance(line, 20 + LATE)
    line.clock.block(60)
    line.peer.pong(b"it was there all the time")
    await advance(line, 15)
    assert line.link.state is State.OPEN
    assert "the event loop was blocked for" in caplog.text


# Sending


async def test_a_message_is_sent_as_told() -> None:
    line = open_line()
    for data in ("a", b"a"):
        line.link.send_message(data, as_text=True, compress=True)
        line.link.send_message(data, as_text=False, compress=True)
    assert line.peer.heard == [Text("a"), Binary(b"a")] * 2


async def test_a_frame_goes_out_as_it_is() -> None:
    line = open_line()
    line.link.send_control(line.link.endpoint.send_pong(b"x"))
    line.link.send_frames(line.link.endpoint.send_text("a"), messages=1)
    assert line.peer.heard == [Pong(b"x"), Text("a")]
    assert (line.link.traffic.messages_sent, line.link.traffic.bytes_sent) == (1, 6)


async def test_draining_waits_for_room() -> None:
    line = open_line(write_limit=10)
    await line.link.drain()
    line.stream.stall()
    line.connection.send_soon(bytes(20))
    draining = asyncio.create_task(line.link.drain())
    await rounds()
    assert not draining.done()
    line.stream.flow()
    await draining


async def test_draining_a_lost_connection_raises_at_once() -> None:
    line = open_line(write_limit=10)
    line.stream.stall()
    line.connection.send_soon(bytes(20))
    draining = asyncio.create_task(line.link.drain())
    await rounds()
    line.clock.advance(2)
    line.stream.lose(None)
    for waiting in (draining, line.link.drain()):
        with pytest.raises(ConnectionClosedError) as caught:
            await waiting
        assert (caught.value.code, caught.value.silence) == (1006, 2)


async def test_who_does_not_read_is_given_up() -> None:
    line = open_line()
    line.stream.stall()
    line.connection.send_soon(bytes(58))
    line.link.give_up_slow("101 bytes unsent, limit 100")
    reason = "the peer does not read: 101 bytes unsent, limit 100"
    await line.connection.wait_closed()
    assert end_of(line) == (ConnectionClosedError, 1013, reason, Closer.LOCAL)


async def test_our_own_mistake_shortens_its_reason() -> None:
    line = open_line()
    line.link.fail_locally(CloseCode.INTERNAL_ERROR, "x" * 200)
    assert line.peer.closed == Close(1011, "x" * 123)


async def test_the_end_is_told_where_somebody_asked() -> None:
    told: list[State] = []
    line = open_line()
    line.link.tell_end(lambda: told.append(line.link.state))
    line.connection.close_soon()
    assert told == []
    line.peer.close()
    line.peer.hang_up()
    await line.connection.wait_closed()
    assert told == [State.CLOSING]


async def test_an_end_that_could_not_be_told_whole_is_told_at_the_loss() -> None:
    class Scarce(Pings):
        calls = 0

        def __bool__(self) -> bool:
            return True

        def fail(self, error: Exception) -> None:
            self.calls += 1
            if self.calls == 1:
                raise MemoryError

    line = open_line(write_limit=10)
    line.stream.stall()
    line.connection.send_soon(bytes(20))
    draining = asyncio.create_task(line.link.drain())
    await rounds()
    line.link.pings = pings = Scarce()
    with pytest.raises(MemoryError):
        line.link.abort()
    assert not draining.done() and line.link.has_ended
    line.stream.lose(None)
    with pytest.raises(ConnectionClosed):
        await draining
    assert pings.calls == 2
    assert line.link.state is State.CLOSED


async def test_nothing_is_delivered_behind_a_message_at_which_it_was_cut() -> None:
    class Cutting(Events):
        def on_message(self, ws: Connection, data: str | bytes) -> None:
            heard.append(data)
            ws.abort()

    heard: list[str | bytes] = []
    line = open_line(events=Cutting())
    endpoint = line.peer.endpoint
    line.peer.say(endpoint.send_text("a"), endpoint.send_text("b"), endpoint.send_close(1000))
    await line.connection.wait_closed()
    assert heard == ["a"]
    assert end_of(line) == (ConnectionClosedError, 1006, "", Closer.LOCAL)


# Nothing is left over


@pytest.mark.parametrize("end", ["peer", "local", "loss", "abort", "mistake", "silence"])
async def test_a_closed_connection_leaves_nothing_behind(end: str) -> None:
    line = open_line(ping_interval=20, ping_timeout=10, close_timeout=5)
    engine = line.engine
    tasks = [asyncio.create_task(line.connection.recv()), asyncio.create_task(ping(line))]
    await rounds()
    match end:
        case "peer":
            line.peer.close()
        case "local":
            line.connection.close_soon()
        case "loss":
            line.stream.lose(OSError())
        case "abort":
            line.connection.abort()
        case "mistake":
            line.peer.blunder()
    engine.clock.advance(60)
    await rounds()
    for task in tasks:
        with pytest.raises(ConnectionClosed):
            await task
    assert line.link.state is State.CLOSED
    assert len(engine.timers) == engine.clock.waiting == 0
    gone = weakref.ref(line.connection)
    del line, tasks, task
    await rounds()
    gc.collect()
    assert gone() is None


async def ping(line: Line) -> None:
    await line.connection.ping()


async def test_text_in_both_directions_masks_on_the_clients_side_only() -> None:
    client = open_line(Role.CLIENT)
    client.peer.text("to the client")
    await client.connection.send("to the server")
    assert await client.connection.recv() == "to the client"
    assert client.peer.heard == [Text("to the server")]
    assert b"to the server" not in b"".join(client.stream.writes)


def test_a_connection_that_is_not_open_yet_cannot_be_closed() -> None:
    with pytest.raises(InvalidState, match="refuse it with a response"):
        make_line().link.close(1000, "")


async def test_a_peer_that_never_reads_is_given_up_and_who_waits_is_told() -> None:
    line = open_line(write_limit=10, ping_interval=20, ping_timeout=20)
    line.stream.stall()
    sending = asyncio.create_task(line.connection.send(b"x" * 100))
    await rounds()
    assert not sending.done()
    for _ in range(100):
        await advance(line, 1)
        line.peer.pong()
    with pytest.raises(ConnectionClosedError, match="the peer does not read") as caught:
        await sending
    assert caught.value.code == CloseCode.TRY_AGAIN_LATER
    assert line.stream.was_aborted


# Followers


class Note:
    """A follower that takes note, and may leave at the first word."""

    def __init__(self, link: Any = None) -> None:
        self.told: list[str] = []
        self._link = link

    def _tell(self, word: str) -> None:
        self.told.append(word)
        if self._link is not None:
            self._link.unfollow(self)

    def held(self) -> None:
        self._tell("held")

    def drained(self) -> None:
        self._tell("drained")

    def ending(self) -> None:
        self._tell("ending")


async def test_followers_are_told_until_they_leave_or_the_connection_ends() -> None:
    line = open_line()
    stays, leaves, gone = Note(), Note(line.link), Note()
    for follower in (leaves, gone, stays):
        line.link.follow(follower)
    line.link.unfollow(gone)
    line.link.debts.tell_held()
    line.link.writing_resumed()
    line.connection.close_soon()
    line.connection.abort()
    line.link.unfollow(stays)
    assert stays.told == ["held", "drained", "ending"]
    assert (leaves.told, gone.told) == (["held"], [])


async def test_a_close_that_cannot_be_sent_is_told_to_nobody() -> None:
    line = open_line()
    follower = Note()
    line.link.follow(follower)
    with pytest.raises(ValueError):
        line.connection.close_soon(1005)
    assert follower.told == []


# Rates


async def test_a_rate_lets_the_peer_wait_until_a_goodbye_is_under_way() -> None:
    line = open_line(message_rate=Rate(1, per=100.0), byte_rate=Rate(1_000))
    line.peer.text("a", "b")
    assert line.link.is_deaf and line.stream.is_reading_paused
    line.connection.ping()
    line.connection.pause_reading()
    line.connection.resume_reading()
    assert line.link.is_deaf and line.stream.is_reading_paused
    line.connection.close_soon()
    assert not line.link.is_deaf and not line.stream.is_reading_paused
    line.peer.close()
    await rounds()
    assert end_of(line)[1] == 1000


async def test_who_sends_too_much_is_refused() -> None:
    line = open_line(message_rate=Rate(1, per=100.0), on_excess=Excess.CLOSE)
    line.peer.text("a", "b")
    assert line.peer.closed == Close(1008, "over 1 messages per 100 s, 1 at once")
    assert line.link.traffic.closed == 1
    assert await line.connection.recv() == "a"


async def test_each_pong_that_answers_a_ping_is_told_once() -> None:
    trips: list[float] = []
    line = open_line(when_timed=trips.append)
    both = asyncio.gather(line.connection.ping(b"1"), line.connection.ping(b"2"))
    await rounds()
    line.clock.advance(0.25)
    # RFC 6455 §5.5.3: one pong for both
    line.peer.pong(b"2")
    line.peer.pong(b"2")
    line.peer.pong(b"nobody's")
    await both
    assert trips == [0.25]
