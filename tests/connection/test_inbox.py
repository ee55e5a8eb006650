"""Unread messages: their order, their number, their bytes, and who may read them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest

from tests.connection.memory_stream import Line, open_line, rounds
from trunkline.errors import Closer, ConcurrencyError, ConnectionClosed, ConnectionClosedOK


async def read(line: Line, count: int) -> list[str | bytes]:
    return [await line.connection.recv() for _ in range(count)]


def numbers(count: int) -> Iterable[str]:
    return map(str, range(count))


# Order


async def test_messages_are_read_in_their_order() -> None:
    line = open_line()
    line.peer.text("a", "b")
    line.peer.binary(b"c", b"")
    line.peer.text("")
    assert await read(line, 5) == ["a", "b", b"c", b"", ""]


async def test_a_reader_waits_for_the_next_message() -> None:
    line = open_line()
    reader = asyncio.create_task(line.connection.recv())
    await rounds()
    assert not reader.done()
    line.peer.text("a")
    assert await reader == "a"


async def test_control_frames_do_not_get_into_the_inbox() -> None:
    line = open_line()
    line.peer.ping(b"1")
    line.peer.pong(b"2")
    line.peer.text("a")
    assert await read(line, 1) == ["a"]


async def test_low_water_of_the_stream_is_no_message() -> None:
    line = open_line(write_limit=10)
    line.stream.stall()
    line.connection.send_soon("x" * 20)
    line.stream.flow()
    line.peer.text("a")
    assert await read(line, 1) == ["a"]


# Back-pressure


async def test_reading_pauses_at_max_queue_messages_and_resumes_at_a_quarter() -> None:
    line = open_line(max_queue=8)
    line.peer.text(*numbers(7))
    assert not line.stream.is_reading_paused
    line.peer.text("7")
    assert line.stream.is_reading_paused
    assert await read(line, 5) == list(numbers(5))
    assert line.stream.is_reading_paused
    assert await read(line, 1) == ["5"]
    assert not line.stream.is_reading_paused


async def test_reading_pauses_at_max_queue_bytes_and_resumes_at_a_quarter() -> None:
    line = open_line(max_queue_bytes=100)
    line.peer.binary(bytes(99))
    assert not line.stream.is_reading_paused
    line.peer.binary(bytes(26))
    assert line.stream.is_reading_paused
    line.link.resume_reading()
    line.peer.binary(bytes(1))
    assert line.stream.is_reading_paused
    await read(line, 1)
    assert line.stream.is_reading_paused
    await read(line, 1)
    assert not line.stream.is_reading_paused


async def test_what_the_peer_sends_meanwhile_arrives_afterwards() -> None:
    line = open_line(max_queue=2)
    for number in numbers(20):
        line.peer.text(number)
    assert len(line.connection._consumer._messages) == 2  # type: ignore[union-attr]
    assert await read(line, 20) == list(numbers(20))


async def test_a_queue_of_none_pauses_at_the_first_message() -> None:
    line = open_line(max_queue=0)
    line.peer.text("a")
    assert line.stream.is_reading_paused
    assert await read(line, 1) == ["a"]
    assert not line.stream.is_reading_paused


# One reader


async def test_a_second_reader_is_refused_and_the_first_waits_on() -> None:
    line = open_line()
    first = asyncio.create_task(line.connection.recv())
    await rounds()
    with pytest.raises(ConcurrencyError, match="already waiting for a message in another task"):
        await line.connection.recv()
    line.peer.text("a")
    assert await first == "a"


async def test_cancelling_a_reader_loses_no_message() -> None:
    line = open_line()
    reader = asyncio.create_task(line.connection.recv())
    await rounds()
    line.peer.text("a")
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert await read(line, 1) == ["a"]


async def test_a_reader_with_a_deadline_loses_no_message() -> None:
    line = open_line()
    for number in numbers(50):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(line.connection.recv(), 0)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await line.connection.recv()
        line.peer.text(number)
        assert await asyncio.wait_for(line.connection.recv(), 60) == number


async def test_a_message_and_a_deadline_in_the_same_moment_lose_no_message() -> None:
    line = open_line()
    waiting = asyncio.create_task(asyncio.wait_for(line.connection.recv(), 60))
    await rounds()
    line.peer.text("a")
    await asyncio.sleep(0)
    waiting.cancel()
    try:
        assert await waiting == "a"
    except asyncio.CancelledError:
        assert await read(line, 1) == ["a"]


# The end


async def test_unread_messages_are_read_before_the_end_is_told() -> None:
    line = open_line()
    line.peer.text("a", "b")
    line.peer.close()
    assert await read(line, 2) == ["a", "b"]
    for _ in range(2):
        with pytest.raises(ConnectionClosedOK):
            await line.connection.recv()


async def test_unread_messages_survive_the_loss_of_the_stream() -> None:
    line = open_line()
    line.peer.text("a")
    line.stream.lose(ConnectionResetError())
    assert await read(line, 1) == ["a"]
    with pytest.raises(ConnectionClosed) as caught:
        await line.connection.recv()
    assert caught.value.code == 1006


async def test_a_waiting_reader_is_told_of_the_end_at_once() -> None:
    line = open_line()
    reader = asyncio.create_task(line.connection.recv())
    await rounds()
    line.clock.advance(3)
    line.stream.lose(ConnectionResetError("reset"))
    with pytest.raises(ConnectionClosed) as caught:
        await reader
    error = caught.value
    assert (error.code, error.reason, error.closer) == (1006, "", Closer.NOBODY)
    assert error.silence == 3
    assert isinstance(error.__cause__, ConnectionResetError)


async def test_what_is_unread_when_the_peer_is_dismissed_is_dropped_and_counted() -> None:
    line = open_line()
    line.peer.text("a", "b", "c")
    assert await read(line, 1) == ["a"]
    line.connection.dismiss(4000, "go")
    line.peer.text("d")
    for _ in range(2):
        with pytest.raises(ConnectionClosed) as caught:
            await line.connection.recv()
        assert (caught.value.code, caught.value.reason) == (4000, "go")
    assert line.link.traffic.discarded == 2
    assert line.peer.closed is not None


async def test_whoever_waits_when_the_peer_is_dismissed_is_told_at_once() -> None:
    line = open_line()
    reader = asyncio.create_task(line.connection.recv())
    await rounds()
    line.connection.dismiss(4000)
    with pytest.raises(ConnectionClosed, match="4000"):
        await reader
    assert line.link.traffic.discarded == 0


async def test_a_reader_that_was_woken_when_the_peer_is_dismissed_gets_nothing() -> None:
    line = open_line()
    reader = asyncio.create_task(line.connection.recv())
    await rounds()
    line.peer.text("a", "b")
    line.connection.dismiss(4000)
    with pytest.raises(ConnectionClosed, match="4000"):
        await reader
    assert line.link.traffic.discarded == 2


async def test_a_full_inbox_lets_the_goodbye_of_a_dismissed_peer_come() -> None:
    line = open_line(max_queue=2)
    line.peer.text("a", "b")
    assert line.stream.is_reading_paused
    line.connection.dismiss(4000)
    assert not line.stream.is_reading_paused
    line.peer.close(4000)
    assert line.link.has_ended


# A failure waits for the reader


async def test_a_failure_waits_until_unread_messages_were_answered() -> None:
    line = open_line()
    line.peer.blunder(line.peer.endpoint.send_text("a"), line.peer.endpoint.send_text("b"))
    for message in ("a", "b"):
        assert await line.connection.recv() == message
        await line.connection.send(message)
        await rounds()
        assert line.peer.closed is None
    with pytest.raises(ConnectionClosed) as caught:
        await line.connection.recv()
    assert caught.value.code == 1002
    assert [type(event).__name__ for event in line.peer.heard] == ["Text", "Text", "Close"]


async def test_a_failure_does_not_wait_for_a_reader_that_waits() -> None:
    line = open_line()
    reader = asyncio.create_task(line.connection.recv())
    await rounds()
    line.peer.blunder()
    assert line.peer.closed is not None
    with pytest.raises(ConnectionClosed) as caught:
        await reader
    assert (caught.value.code, caught.value.closer) == (1002, Closer.LOCAL)


async def test_a_failure_does_not_wait_once_the_next_message_is_asked_for() -> None:
    line = open_line()
    line.peer.text("a")
    await line.connection.recv()
    reader = asyncio.create_task(line.connection.recv())
    await rounds()
    line.peer.blunder()
    assert line.peer.closed is not None
    with pytest.raises(ConnectionClosed):
        await reader


async def test_a_failure_does_not_wait_where_nothing_was_received() -> None:
    line = open_line()
    line.peer.blunder()
    assert line.peer.closed is not None


async def test_answers_to_messages_that_came_together_leave_together() -> None:
    line = open_line()
    line.peer.text("a", "b", "c")
    for _ in range(3):
        await line.connection.send(await line.connection.recv())
    await rounds()
    assert len(line.stream.writes) == 1
    assert len(line.peer.heard) == 3
