"""Messages sent in fragments, from iterables of all kinds (RFC 6455 §5.4)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from enum import StrEnum
from typing import Any

import pytest

from tests.connection.memory_stream import Line, open_line, rounds
from trunkline.connection.fragments import (
    Fragments,
    is_data,
    send_fragments,
    to_data,
    to_fragments,
)
from trunkline.connection.state import State
from trunkline.errors import Closer, ConnectionClosed, ConnectionClosedError
from trunkline.protocol.events import Binary, Text
from trunkline.protocol.extensions import DeflateParameters, Direction
from trunkline.protocol.frames import FrameReader
from trunkline.protocol.opcodes import Opcode
from trunkline.protocol.role import Role

DEFLATE = DeflateParameters(server=Direction(), client=Direction())


async def each(*fragments: Any) -> AsyncIterator[Any]:
    for fragment in fragments:
        await asyncio.sleep(0)
        yield fragment


async def endless(first: Iterable[str], tap: asyncio.Event) -> AsyncIterator[str]:
    """Give some fragments, and then wait for ever."""
    for fragment in first:
        yield fragment
    await tap.wait()


def send(line: Line, fragments: Fragments, text: bool | None = None, compress: bool = True) -> Any:
    return send_fragments(line.link, fragments, text=text, compress=compress)


def frames(line: Line) -> list[tuple[Opcode, bool, bytes]]:
    """Read what left the stream, as a client does."""
    reader = FrameReader(Role.CLIENT)
    reader.feed(b"".join(line.stream.writes))
    return [(part.header.opcode, part.header.fin, part.payload) for part in reader.parts()]


# What is a message


@pytest.mark.parametrize("data", ["a", b"a", bytearray(b"a"), memoryview(b"a")])
def test_text_and_bytes_are_data(data: Any) -> None:
    assert is_data(data)
    assert to_data(data) in ("a", b"a")


@pytest.mark.parametrize("thing", [None, 1, ["a"], {"a": 1}, object()])
def test_everything_else_is_no_data(thing: object) -> None:
    assert not is_data(thing)


def test_a_memoryview_of_wider_items_gives_its_bytes() -> None:
    view = memoryview(bytes(8)).cast("I")
    assert to_data(view) == bytes(8)
    assert to_data(memoryview(b"abcdef")[::2]) == b"ace"


@pytest.mark.parametrize("fragments", [[], ("a",), {"a"}, iter("ab"), each("a")])
def test_an_iterable_is_a_message(fragments: Any) -> None:
    assert to_fragments(fragments) is fragments


def test_a_mapping_is_no_message() -> None:
    with pytest.raises(TypeError, match="a mapping is not a message: encode it first"):
        to_fragments({"a": 1})


@pytest.mark.parametrize("thing", [None, 1, 1.5, object()])
def test_what_cannot_be_walked_through_is_no_message(thing: object) -> None:
    with pytest.raises(TypeError, match="a message is str, bytes or an iterable of these, not"):
        to_fragments(thing)


# Frames


@pytest.mark.parametrize("kind", [list, each])
async def test_each_element_is_a_frame_and_the_last_one_is_final(kind: Any) -> None:
    line = open_line()
    await send(line, kind(["a", "", "c"]) if kind is list else each("a", "", "c"))
    assert frames(line) == [
        (Opcode.TEXT, False, b"a"),
        (Opcode.CONTINUATION, False, b""),
        (Opcode.CONTINUATION, True, b"c"),
    ]
    assert line.peer.heard == [Text("ac")]


@pytest.mark.parametrize("fragments", [[], each()])
async def test_an_empty_iterable_sends_nothing(fragments: Fragments) -> None:
    line = open_line()
    await send(line, fragments)
    assert line.stream.writes == []
    await line.connection.send("usable")
    assert line.peer.heard == [Text("usable")]


@pytest.mark.parametrize("fragments", [["a"], each("a")])
async def test_one_element_is_one_frame(fragments: Fragments) -> None:
    line = open_line()
    await send(line, fragments)
    assert frames(line) == [(Opcode.TEXT, True, b"a")]


async def test_all_that_is_like_bytes_may_be_mixed() -> None:
    line = open_line()
    await send(line, [b"a", bytearray(b"b"), memoryview(b"c")])
    assert line.peer.heard == [Binary(b"abc")]


async def test_text_and_a_kind_of_text_may_be_mixed() -> None:
    class Word(str):
        pass

    line = open_line()
    await send(line, ["a", Word("b"), "c"])
    assert line.peer.heard == [Text("abc")]


@pytest.mark.parametrize("compress", [True, False])
async def test_fragments_are_compressed_where_that_is_wanted(compress: bool) -> None:
    line = open_line(deflate=DEFLATE)
    await send(line, each("x" * 1000, "y" * 1000), compress=compress)
    assert (sum(map(len, line.stream.writes)) < 100) == compress
    assert line.peer.heard == [Text("x" * 1000 + "y" * 1000)]


# Kinds


async def test_text_can_be_sent_as_binary() -> None:
    line = open_line()
    await send(line, ["ä", "ö"], text=False)
    assert line.peer.heard == [Binary("äö".encode())]


async def test_bytes_can_be_sent_as_text_even_cut_inside_of_a_code_point() -> None:
    line = open_line()
    euro = "€".encode()
    await send(line, [euro[:1], euro[1:2], euro[2:] + b"!"], text=True)
    assert line.peer.heard == [Text("€!")]


async def test_text_can_be_sent_as_text() -> None:
    line = open_line()
    await send(line, ["ä", "ö"], text=True)
    assert line.peer.heard == [Text("äö")]


async def test_bytes_that_are_no_text_are_refused_before_anything_is_sent() -> None:
    line = open_line()
    with pytest.raises(UnicodeDecodeError):
        await send(line, [b"\xff", b"a"], text=True)
    await line.connection.send("usable")
    assert line.peer.heard == [Text("usable")]


async def test_a_text_that_ends_inside_of_a_code_point_is_refused() -> None:
    line = open_line()
    with pytest.raises(UnicodeDecodeError):
        await send(line, [b"\xe2\x82"], text=True)
    assert line.stream.writes == []
    with pytest.raises(UnicodeDecodeError):
        await send(line, [b"a", b"b", b"\xe2\x82"], text=True)
    assert line.peer.closed is not None and line.peer.closed.code == 1011


# Going wrong


@pytest.mark.parametrize("fragments", [["a", b"b"], [b"a", "b"], each("a", b"b")])
async def test_mixed_types_are_refused(fragments: Fragments) -> None:
    line = open_line()
    with pytest.raises(TypeError, match="the fragments of a message are all str or all bytes"):
        await send(line, fragments)
    await line.connection.send("usable")
    assert line.peer.heard == [Text("usable")]


@pytest.mark.parametrize("thing", [None, 5, ["a"]])
async def test_a_fragment_of_another_type_is_refused(thing: Any) -> None:
    line = open_line()
    with pytest.raises(TypeError, match="a fragment is str or bytes, not"):
        await send(line, [thing])
    assert line.connection.state is State.OPEN


async def test_mixed_types_after_the_first_frame_close_the_connection() -> None:
    line = open_line()
    with pytest.raises(TypeError):
        await send(line, each("a", "b", b"c"))
    closed = line.peer.closed
    assert closed is not None
    assert (closed.code, closed.reason) == (1011, "a fragmented message was not completed")


async def test_an_iterable_that_raises_before_anything_was_sent_leaves_it_usable() -> None:
    def broken() -> Iterator[str]:
        yield "a"
        raise KeyError("b")

    line = open_line()
    with pytest.raises(KeyError):
        await send(line, broken())
    await line.connection.send("usable")
    assert line.peer.heard == [Text("usable")]


async def test_an_iterable_that_raises_midway_closes_the_connection() -> None:
    async def broken() -> AsyncIterator[str]:
        yield "a"
        yield "b"
        raise KeyError("c")

    line = open_line()
    with pytest.raises(KeyError):
        await send(line, broken())
    assert line.peer.closed is not None and line.peer.closed.code == 1011
    with pytest.raises(ConnectionClosedError):
        await line.connection.send("x")


async def test_a_surrogate_in_the_middle_closes_the_connection() -> None:
    line = open_line()
    with pytest.raises(UnicodeEncodeError):
        await send(line, ["a", "\ud800", "c"])
    assert line.peer.closed is not None and line.peer.closed.code == 1011


async def test_cancelling_before_the_first_frame_leaves_it_usable() -> None:
    line = open_line()
    sending = asyncio.create_task(send(line, endless(["a"], asyncio.Event())))
    await rounds()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    await line.connection.send("usable")
    assert line.peer.heard == [Text("usable")]


async def test_cancelling_midway_closes_the_connection() -> None:
    line = open_line()
    sending = asyncio.create_task(send(line, endless(["a", "b"], asyncio.Event())))
    await rounds()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert line.peer.closed is not None and line.peer.closed.code == 1011


async def test_a_timeout_of_the_iterable_is_its_own() -> None:
    async def late() -> AsyncIterator[str]:
        yield "a"
        raise TimeoutError("the source is late")

    line = open_line()
    with pytest.raises(TimeoutError, match="the source is late"):
        await send(line, late())
    assert line.connection.state is State.OPEN


# Back-pressure


async def test_fragments_wait_above_high_water() -> None:
    taken: list[int] = []

    def pieces() -> Iterator[bytes]:
        for number in range(10):
            taken.append(number)
            yield bytes(10)

    line = open_line(write_limit=30)
    line.stream.stall()
    sending = asyncio.create_task(send(line, pieces()))
    await rounds()
    assert len(taken) == 4
    line.stream.flow()
    await sending
    assert line.peer.heard == [Binary(bytes(100))]


async def test_the_last_fragment_waits_for_room_as_well() -> None:
    line = open_line(write_limit=5)
    line.stream.stall()
    sending = asyncio.create_task(send(line, [bytes(10)]))
    await rounds()
    assert not sending.done()
    line.stream.flow()
    await sending


# The end of the connection


@pytest.mark.parametrize("first", [[], ["a"], ["a", "b"]])
async def test_an_iterable_that_waits_for_ever_does_not_outlive_the_connection(
    first: list[str],
) -> None:
    line = open_line()
    sending = asyncio.create_task(send(line, endless(first, asyncio.Event())))
    await rounds()
    line.clock.advance(2)
    line.stream.lose(ConnectionResetError())
    with pytest.raises(ConnectionClosedError) as caught:
        await sending
    error = caught.value
    assert (error.code, error.closer, error.silence) == (1006, Closer.NOBODY, 2)
    assert line.link.debts.when_ended is None


async def test_fragments_that_wait_for_room_are_told_of_the_end() -> None:
    line = open_line(write_limit=5)
    line.stream.stall()
    sending = asyncio.create_task(send(line, each(bytes(10), bytes(10))))
    await rounds()
    line.stream.lose(None)
    with pytest.raises(ConnectionClosedError):
        await sending


async def test_the_peers_goodbye_stops_an_iterable() -> None:
    line = open_line()
    sending = asyncio.create_task(send(line, endless(["a", "b"], asyncio.Event())))
    await rounds()
    line.peer.close(1001, "moving")
    with pytest.raises(ConnectionClosed) as caught:
        await sending
    assert (caught.value.code, caught.value.reason) == (1001, "moving")


async def test_our_own_goodbye_stops_the_next_fragment() -> None:
    line = open_line()
    more = asyncio.Event()

    async def pieces() -> AsyncIterator[str]:
        yield "a"
        yield "b"
        await more.wait()
        yield "c"

    sending = asyncio.create_task(send(line, pieces()))
    await rounds()
    line.connection.close_soon(1000, "enough")
    more.set()
    with pytest.raises(ConnectionClosed) as caught:
        await sending
    assert (caught.value.code, caught.value.reason) == (1000, "enough")
    assert line.peer.closed is not None and line.peer.closed.code == 1000


@pytest.mark.parametrize("fragments", [[], ["a"], each("a")])
async def test_nothing_is_taken_from_an_iterable_once_it_is_over(fragments: Fragments) -> None:
    line = open_line()
    line.stream.lose(None)
    with pytest.raises(ConnectionClosed):
        await send(line, fragments)


async def test_a_cancelled_send_on_an_ending_connection_is_cancelled() -> None:
    line = open_line()
    sending = asyncio.create_task(send(line, endless(["a"], asyncio.Event())))
    await rounds()
    sending.cancel()
    line.stream.lose(None)
    with pytest.raises((asyncio.CancelledError, ConnectionClosed)):
        await sending


def test_what_is_derived_of_text_is_sent_as_plain_text() -> None:
    class Colour(StrEnum):
        RED = "red"

    assert type(to_data(Colour.RED)) is str
    assert to_data(Colour.RED) == "red"
