"""What a connection sends: in order, whole, and no faster than the peer reads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.connection.memory_stream import Line, open_line, rounds
from trunkline.connection.outbox import is_text, to_payload
from trunkline.connection.shared_message import SharedMessage
from trunkline.connection.state import State
from trunkline.errors import Closer, ConnectionClosed, ConnectionClosedError, ConnectionClosedOK
from trunkline.protocol.events import Binary, Close, Ping, Text
from trunkline.protocol.role import Role


class Tap:
    """Fragments that come when a test wants them."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[str | Exception | None] = asyncio.Queue()

    async def give(self, *fragments: str | Exception | None) -> None:
        for fragment in fragments:
            self._queue.put_nowait(fragment)
        await rounds()

    async def __aiter__(self) -> AsyncIterator[str]:
        while (fragment := await self._queue.get()) is not None:
            if isinstance(fragment, Exception):
                raise fragment
            yield fragment


async def fragmenting(line: Line, *first: str) -> tuple[Tap, asyncio.Task[None]]:
    """Begin a fragmented message."""
    tap = Tap()
    task = asyncio.create_task(line.connection.send(tap))
    await tap.give(*first)
    return tap, task


# Kinds


@pytest.mark.parametrize(
    ("message", "text", "wanted"),
    [
        ("ä", None, Text("ä")),
        ("ä", True, Text("ä")),
        ("ä", False, Binary("ä".encode())),
        (b"a", None, Binary(b"a")),
        (b"a", False, Binary(b"a")),
        (b"a", True, Text("a")),
        (bytearray(b"a"), None, Binary(b"a")),
        (memoryview(b"abc")[::2], None, Binary(b"ac")),
        ("", None, Text("")),
        (b"", None, Binary(b"")),
    ],
)
async def test_a_message_is_sent_as_its_type_or_as_told(
    message: Any, text: bool | None, wanted: object
) -> None:
    line = open_line()
    await line.connection.send(message, text)
    line.connection.send_soon(message, text)
    tap, task = await fragmenting(line, "x")
    line.connection.send_soon(message, text)
    await tap.give(None)
    await task
    assert line.peer.heard == [wanted, wanted, Text("x"), wanted]


@pytest.mark.parametrize("message", [b"\xff", "\ud800", "a\udfff"])
async def test_what_is_no_text_is_refused_and_the_connection_stays_usable(
    message: str | bytes,
) -> None:
    line = open_line()
    with pytest.raises(ValueError):
        await line.connection.send(message, text=True)
    with pytest.raises(ValueError):
        line.connection.send_soon(message, text=True)
    line.connection.send_soon("usable")
    assert line.peer.heard == [Text("usable")]


@pytest.mark.parametrize("message", [b"\xff", "\ud800"])
async def test_what_is_no_text_is_refused_at_once_behind_a_fragmented_message(
    message: str | bytes,
) -> None:
    line = open_line()
    tap, task = await fragmenting(line, "a", "b")
    with pytest.raises(ValueError):
        line.connection.send_soon(message, text=True)
    line.connection.send_soon("usable")
    await tap.give(None)
    await task
    assert line.peer.heard == [Text("ab"), Text("usable")]


@pytest.mark.parametrize("message", [{"a": 1}, None, 1])
async def test_what_is_no_message_is_refused_by_send(message: Any) -> None:
    line = open_line()
    with pytest.raises(TypeError, match="message"):
        await line.connection.send(message)
    assert line.stream.writes == []


@pytest.mark.parametrize("message", [{"a": 1}, None, 1, ["a"]])
async def test_only_one_piece_is_taken_by_send_soon(message: Any) -> None:
    line = open_line()
    with pytest.raises(TypeError, match=r"send_soon\(\) takes str or bytes, not"):
        line.connection.send_soon(message)


def test_a_kind_is_chosen_by_the_type_unless_told() -> None:
    assert is_text("a", None) and is_text(b"a", True)
    assert not is_text(b"a", None) and not is_text("a", False)


def test_payloads_are_encoded_and_checked() -> None:
    assert to_payload("ä", as_text=True) == to_payload("ä", as_text=False) == "ä".encode()
    assert to_payload(b"\xff", as_text=False) == b"\xff"
    with pytest.raises(UnicodeDecodeError):
        to_payload(b"\xff", as_text=True)


# Order


async def test_nothing_gets_between_the_fragments_of_a_message() -> None:
    line = open_line()
    tap, task = await fragmenting(line, "a", "b")
    sending = asyncio.create_task(line.connection.send("later"))
    await rounds()
    line.connection.send_soon("soon")
    assert line.peer.heard == []
    await tap.give("c", None)
    await task
    await sending
    assert line.peer.heard == [Text("abc"), Text("soon"), Text("later")]


async def test_two_fragmented_messages_follow_each_other() -> None:
    line = open_line()
    first, one = await fragmenting(line, "a", "b")
    _, two = await fragmenting(line, "c", "d", None)
    assert line.peer.heard == []
    await first.give(None)
    await asyncio.gather(one, two)
    assert line.peer.heard == [Text("ab"), Text("cd")]


async def test_a_ping_gets_between_the_fragments() -> None:
    line = open_line()
    tap, task = await fragmenting(line, "a", "b")
    waiting = line.connection.ping(b"p")
    assert line.peer.heard == [Ping(b"p")]
    line.peer.pong(b"p")
    await waiting
    line.peer.ping(b"q")
    await tap.give(None)
    await task
    assert line.peer.heard[-1] == Text("ab")


async def test_what_waited_is_sent_when_a_message_was_given_up_before_it_began() -> None:
    line = open_line()
    tap, task = await fragmenting(line, "a")
    line.connection.send_soon("soon")
    await tap.give(KeyError("b"))
    with pytest.raises(KeyError):
        await task
    assert line.peer.heard == [Text("soon")]


async def test_what_waited_is_dropped_when_a_message_was_broken_off() -> None:
    line = open_line()
    tap, task = await fragmenting(line, "a", "b")
    line.connection.send_soon("soon")
    sending = asyncio.create_task(line.connection.send("later"))
    await tap.give(KeyError("c"))
    with pytest.raises(KeyError):
        await task
    with pytest.raises(ConnectionClosedError) as caught:
        await sending
    assert caught.value.code == 1011
    assert line.peer.heard == [Close(1011, "a fragmented message was not completed")]


async def test_a_message_that_waits_for_its_turn_can_be_cancelled() -> None:
    line = open_line()
    tap, task = await fragmenting(line, "a", "b")
    sending = asyncio.create_task(line.connection.send("never"))
    await rounds()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    await tap.give(None)
    await task
    await line.connection.send("usable")
    assert line.peer.heard == [Text("ab"), Text("usable")]


async def test_closing_during_a_fragmented_message_ends_it() -> None:
    line = open_line()
    _, task = await fragmenting(line, "a", "b")
    sending = asyncio.create_task(line.connection.send("later"))
    closing = asyncio.create_task(line.connection.close(1001))
    await rounds()
    assert line.peer.heard == [Close(1001, "")]
    line.peer.close(1001)
    line.peer.hang_up()
    await closing
    for waiting in (task, sending):
        with pytest.raises(ConnectionClosedOK):
            await waiting


# Back-pressure


async def test_send_waits_above_high_water_and_goes_on_below_low_water() -> None:
    line = open_line(write_limit=100)
    line.stream.stall()
    await line.connection.send(bytes(60))
    waiting = [asyncio.create_task(line.connection.send(bytes(60))) for _ in range(3)]
    await rounds()
    assert not any(task.done() for task in waiting)
    line.stream.leave(2)
    await rounds()
    assert not any(task.done() for task in waiting)
    line.stream.leave(2)
    await asyncio.gather(*waiting)


async def test_send_may_wait_while_others_are_cancelled() -> None:
    line = open_line(write_limit=10)
    line.stream.stall()
    waiting = [asyncio.create_task(line.connection.send(bytes(60))) for _ in range(3)]
    await rounds()
    waiting[1].cancel()
    await rounds()
    assert [task.done() for task in waiting] == [False, True, False]
    line.stream.flow()
    await asyncio.gather(waiting[0], waiting[2])
    assert len(line.peer.heard) == 3


async def test_whoever_waits_for_room_is_told_of_the_end() -> None:
    line = open_line(write_limit=10)
    line.stream.stall()
    waiting = [asyncio.create_task(line.connection.send(bytes(60))) for _ in range(3)]
    await rounds()
    line.clock.advance(4)
    line.stream.lose(ConnectionResetError())
    for task in waiting:
        with pytest.raises(ConnectionClosedError) as caught:
            await task
        assert (caught.value.code, caught.value.closer) == (1006, Closer.NOBODY)
        assert caught.value.silence == 4


@pytest.mark.parametrize("message", ["a", ["a"], [], {"a": 1}])
async def test_sending_on_a_lost_connection_raises_at_once(message: Any) -> None:
    line = open_line()
    line.stream.lose(None)
    with pytest.raises(ConnectionClosed):
        await line.connection.send(message)
    with pytest.raises(ConnectionClosed):
        line.connection.send_soon("a")


# Too much


async def test_a_peer_that_does_not_read_loses_the_connection_at_max_unsent() -> None:
    line = open_line(max_unsent=1_000)
    line.stream.stall()
    line.connection.send_soon(bytes(996))
    assert line.connection.buffered_amount == 1_000
    line.connection.send_soon(b"")
    assert line.connection.state is State.OPEN
    line.connection.send_soon(b"one too many")
    await line.connection.wait_closed()
    error = line.connection.closed()
    assert (error.code, error.closer) == (1013, Closer.LOCAL)
    assert error.reason == "the peer does not read: 1,002 bytes unsent, limit 1,000"
    assert line.stream.was_aborted
    with pytest.raises(ConnectionClosedError):
        line.connection.send_soon("x")


async def test_what_waits_behind_a_fragmented_message_counts_as_unsent() -> None:
    line = open_line(max_unsent=1_000)
    _, task = await fragmenting(line, "a", "b")
    line.connection.send_soon("€" * 300)
    line.connection.send_soon("€" * 100)
    assert line.connection.state is State.OPEN
    line.connection.send_soon("one too many")
    with pytest.raises(ConnectionClosedError) as caught:
        await task
    assert caught.value.code == 1013
    assert "1,200 bytes unsent" in caught.value.reason


async def test_what_waited_is_not_counted_twice() -> None:
    line = open_line(max_unsent=1_000)
    for _ in range(3):
        tap, task = await fragmenting(line, "a", "b")
        line.connection.send_soon(bytes(600))
        await tap.give(None)
        await task
    assert len(line.peer.heard) == 6


async def test_one_message_may_be_larger_than_all_that_may_be_unsent() -> None:
    line = open_line(max_unsent=1_000)
    line.stream.stall()
    line.connection.send_soon(bytes(5_000))
    line.stream.flow()
    line.connection.send_soon(b"x")
    assert line.peer.heard == [Binary(bytes(5_000)), Binary(b"x")]


async def test_without_a_limit_everything_is_kept() -> None:
    line = open_line(max_unsent=None)
    line.stream.stall()
    for _ in range(40):
        line.connection.send_soon(bytes(1_000_000))
    line.stream.flow()
    assert len(line.stream.writes) == 40


# To many


@pytest.mark.parametrize("role", list(Role))
async def test_what_others_get_as_well_keeps_its_place(role: Role) -> None:
    line = open_line(role)
    outbox = line.connection._outbox
    messages = [SharedMessage(text, text=None, compress=True) for text in "abc"]
    tap, task = await fragmenting(line, "x")
    assert not outbox.has_room
    outbox.send_shared(messages[0])
    await tap.give(None)
    await task
    assert outbox.has_room and outbox.stream is line.stream
    assert outbox.write_limit == line.link.limits.write_limit
    assert outbox.traffic is line.link.traffic
    outbox.send_shared(messages[1])
    outbox.send_all(messages[1:])
    line.connection.close_soon()
    outbox.send_shared(messages[2])
    assert line.peer.heard[:-1] == [Text("x"), Text("a"), Text("b"), Text("b"), Text("c")]
    assert not outbox.can_send
