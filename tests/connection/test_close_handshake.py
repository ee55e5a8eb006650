"""The close handshake from both sides, its deadlines, and how its end is told (RFC 6455 §7)."""

from __future__ import annotations

import asyncio

import pytest

from tests.connection.memory_stream import advance, end_of, open_line, rounds
from trunkline.connection.events import Events
from trunkline.connection.state import State
from trunkline.errors import Closer, ConnectionClosedError, ConnectionClosedOK
from trunkline.limits import TICK
from trunkline.protocol.events import Close
from trunkline.protocol.role import Role

LATE = 2 * TICK
ROLES = pytest.mark.parametrize("role", list(Role))


# The peer closes


@ROLES
async def test_a_close_frame_is_answered_with_its_code(role: Role) -> None:
    line = open_line(role)
    line.peer.close(4123, "why")
    assert line.peer.heard == [Close(4123, "why")]
    assert end_of(line) == (ConnectionClosedError, 4123, "why", Closer.PEER)
    assert line.link.ending.was_clean


async def test_an_empty_close_frame_is_answered_with_an_empty_one() -> None:
    line = open_line()
    line.peer.close(None)
    assert line.peer.heard == [Close(1005, "")]
    assert end_of(line) == (ConnectionClosedOK, 1005, "", Closer.PEER)


@pytest.mark.parametrize(("code", "kind"), [(1000, ConnectionClosedOK), (1001, ConnectionClosedOK)])
async def test_a_goodbye_is_a_good_end(code: int, kind: type) -> None:
    line = open_line()
    line.peer.close(code)
    assert end_of(line) == (kind, code, "", Closer.PEER)


@ROLES
async def test_a_peer_that_does_not_end_the_stream_is_cut(role: Role) -> None:
    line = open_line(role, close_timeout=5)
    line.peer.close()
    await advance(line, 5 - LATE)
    assert line.link.state is State.CLOSING
    await advance(line, 2 * LATE)
    assert line.link.state is State.CLOSED
    assert line.stream.was_aborted
    assert end_of(line) == (ConnectionClosedOK, 1000, "", Closer.PEER)


async def test_without_a_close_timeout_nobody_is_cut() -> None:
    line = open_line(close_timeout=None)
    line.peer.close()
    await advance(line, 1_000)
    assert line.link.state is State.CLOSING
    line.peer.hang_up()
    await line.connection.wait_closed()


# This side closes


@ROLES
async def test_closing_waits_for_the_answer_and_for_the_end(role: Role) -> None:
    line = open_line(role)
    closing = asyncio.create_task(line.connection.close(4000, "enough"))
    await rounds()
    assert line.peer.heard == [Close(4000, "enough")]
    line.peer.close(4000, "enough")
    await rounds()
    assert not closing.done()
    line.peer.hang_up()
    await closing
    assert end_of(line) == (ConnectionClosedError, 4000, "enough", Closer.LOCAL)


async def test_a_peer_that_does_not_answer_is_cut() -> None:
    line = open_line(close_timeout=5)
    closing = asyncio.create_task(line.connection.close())
    await rounds()
    await advance(line, 5 - LATE)
    assert not closing.done()
    await advance(line, 2 * LATE)
    await closing
    reason = "no answer to the close frame within 5 s"
    assert end_of(line) == (ConnectionClosedError, 1006, reason, Closer.LOCAL)


async def test_two_goodbyes_that_cross_are_a_clean_end() -> None:
    line = open_line()
    line.connection.close_soon(4000)
    line.peer.close(4001)
    line.peer.hang_up()
    await line.connection.wait_closed()
    assert (line.link.ending.rcvd, line.link.ending.sent) == (Close(4001, ""), Close(4000, ""))
    assert end_of(line) == (ConnectionClosedError, 4001, "", Closer.LOCAL)


async def test_a_full_inbox_does_not_hide_the_answer_to_our_goodbye() -> None:
    line = open_line(max_queue=2)
    line.peer.text("a", "b")
    line.peer.text("c")
    line.peer.close()
    closing = asyncio.create_task(line.connection.close())
    await rounds()
    line.peer.hang_up()
    await closing
    assert line.link.ending.was_clean
    assert [await line.connection.recv() for _ in range(2)] == ["a", "b"]


async def test_a_goodbye_that_is_not_one_changes_nothing() -> None:
    line = open_line()
    for code, reason in ((1005, ""), (999, ""), (1000, "x" * 124), (None, "words")):
        with pytest.raises(ValueError):
            line.connection.close_soon(code, reason)
    assert line.link.state is State.OPEN
    line.connection.close_soon()
    assert line.peer.heard == [Close(1000, "")]


# Without a goodbye


async def test_a_loss_without_a_goodbye_is_1006_by_nobody() -> None:
    line = open_line()
    line.clock.advance(7)
    line.stream.lose(ConnectionResetError("reset"))
    error = line.connection.closed()
    assert end_of(line) == (ConnectionClosedError, 1006, "", Closer.NOBODY)
    assert error.silence == 7
    assert str(error.__cause__) == "reset"
    assert not error.was_clean


async def test_a_peer_that_just_ends_the_stream_is_1006_by_nobody() -> None:
    line = open_line()
    line.peer.hang_up()
    assert line.link.has_ended and line.link.state is State.CLOSING
    await line.connection.wait_closed()
    assert end_of(line) == (ConnectionClosedError, 1006, "", Closer.NOBODY)


async def test_a_peer_that_ends_the_stream_and_reads_nothing_is_cut() -> None:
    line = open_line(close_timeout=5)
    line.stream.stall()
    line.connection.send_soon("never read")
    line.peer.hang_up()
    await advance(line, 5 - LATE)
    assert line.link.state is State.CLOSING
    await advance(line, 2 * LATE)
    assert line.link.state is State.CLOSED


async def test_silence_is_measured_when_it_ends() -> None:
    line = open_line()
    line.clock.advance(3)
    line.peer.hang_up()
    await advance(line, 100)
    assert line.connection.closed().silence == 3


async def test_silence_of_an_ending_connection_goes_on() -> None:
    line = open_line()
    line.connection.close_soon()
    line.clock.advance(3)
    assert line.connection.closed().silence == 3
    assert end_of(line) == (ConnectionClosedOK, 1000, "", Closer.LOCAL)


async def test_a_message_too_big_names_both_numbers() -> None:
    line = open_line(max_size=10)
    line.peer.text("x" * 11)
    assert line.peer.closed == Close(1009, "message is 11 bytes, limit 10")


# Keep-alive meanwhile


async def test_nobody_is_pinged_behind_a_goodbye(caplog: pytest.LogCaptureFixture) -> None:
    line = open_line(ping_interval=20, ping_timeout=10, close_timeout=None)
    line.connection.close_soon()
    assert len(line.engine.timers) == 0
    await advance(line, 100)
    assert line.peer.heard == [Close(1000, "")]
    assert caplog.records == []


async def test_a_lost_stream_leaves_no_deadline_behind() -> None:
    line = open_line(ping_interval=20)
    line.connection.close_soon()
    assert len(line.engine.timers) == 1
    line.stream.lose(None)
    assert len(line.engine.timers) == 0


async def test_a_pause_of_ours_after_a_ping_is_not_held_against_the_peer() -> None:
    line = open_line(events=Events(), ping_interval=20, ping_timeout=10)
    await advance(line, 20 + LATE)
    line.connection.pause_reading()
    await advance(line, 8)
    line.connection.resume_reading()
    await advance(line, 5)
    assert line.connection.state is State.OPEN
