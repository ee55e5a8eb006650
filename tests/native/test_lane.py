"""The fast lane: what is sent and received past the link, and who may get in its way."""

from __future__ import annotations

import asyncio
import gc
import logging
import struct
import sys
from collections.abc import AsyncIterator
from dis import get_instructions
from typing import Any

import pytest

from tests.contracts.twins import needs
from tests.engines.ear import HANG
from tests.native.line import binary, new_engine, talk, text
from trunkline.connection.connection import Connection
from trunkline.connection.events import Events
from trunkline.errors import ConcurrencyError, ConnectionClosedError
from trunkline.protocol.masking import apply_mask
from trunkline.protocol.role import Role

pytestmark = needs("lane")

SIZES = [0, 1, 125, 126, 32_767, 32_768, 32_769, 65_535, 65_536, 65_537, 1_000_000]


@pytest.fixture
async def engine() -> AsyncIterator[Any]:
    engine = new_engine()
    yield engine
    engine.close()


ENOUGH_TO_SPECIALISE = 100


class Ears(Events):
    def __init__(self) -> None:
        self.heard: list[str | bytes] = []
        self.closed: list[int] = []

    def on_message(self, ws: Connection, data: str | bytes) -> None:
        self.heard.append(data)

    def on_close(self, ws: Connection, code: int, reason: str, was_clean: bool) -> None:
        self.closed.append(code)


async def read_frame(line: Any) -> tuple[int, bytes]:
    """Let the peer read a frame, and unmask it."""
    first, second = await line.peer_reads(2)
    size = second & 0x7F
    if size == 126:
        (size,) = struct.unpack("!H", await line.peer_reads(2))
    elif size == 127:
        (size,) = struct.unpack("!Q", await line.peer_reads(8))
    key = await line.peer_reads(4) if second & 0x80 else b"\0" * 4
    return first, bytes(apply_mask(await line.peer_reads(size), key))


async def test_what_users_set_has_room_once_they_set_it(engine: Any) -> None:
    one = talk(engine, events=Ears())
    ws: Any = one.ws
    assert not any(isinstance(kept, dict) for kept in gc.get_referents(ws))
    ws.name = "mine"
    assert vars(ws) == {"name": "mine"}
    await one.end()


async def test_what_a_handler_calls_is_found_without_being_looked_up(engine: Any) -> None:
    class Echo(Ears):
        def on_message(self, ws: Connection, data: str | bytes) -> None:
            ws.send_soon(data)

    one = talk(engine, events=Echo())
    before = sys.gettrace()
    sys.settrace(None)  # CPython specialises nothing while somebody watches
    try:
        for _ in range(ENOUGH_TO_SPECIALISE):
            one.say(text("a"))
            await read_frame(one.line)
    finally:
        sys.settrace(before)
    await one.end()
    names = {instruction.opname for instruction in get_instructions(Echo.on_message, adaptive=True)}
    assert not names & {"LOAD_METHOD", "LOAD_METHOD_ADAPTIVE", "LOAD_ATTR", "LOAD_ATTR_ADAPTIVE"}


# Sending


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("size", SIZES)
async def test_messages_around_every_threshold_leave_whole(
    engine: Any, role: Role, size: int
) -> None:
    one = talk(engine, role, max_unsent=None)
    for message in ("x" * size, b"y" * size):
        opcode = 0x81 if isinstance(message, str) else 0x82
        payload = message.encode() if isinstance(message, str) else message
        one.ws.send_soon(message)
        assert await read_frame(one.line) == (opcode, payload)
        sending = asyncio.create_task(one.ws.send(message))
        assert await read_frame(one.line) == (opcode, payload)
        await sending
    await one.end()


class Text(str):
    pass


class Bytes(bytes):
    pass


@pytest.mark.parametrize(
    ("message", "frame"),
    [
        (Text("a"), (0x81, b"a")),
        (Bytes(b"b"), (0x82, b"b")),
        (bytearray(b"c"), (0x82, b"c")),
        (memoryview(b"d"), (0x82, b"d")),
        ("ä€😀", (0x81, "ä€😀".encode())),
    ],
)
async def test_whatever_is_like_a_message_is_sent(
    engine: Any, message: Any, frame: tuple[int, bytes]
) -> None:
    one = talk(engine)
    one.ws.send_soon(message)
    await one.ws.send(message)
    assert [await read_frame(one.line), await read_frame(one.line)] == [frame, frame]
    await one.end()


async def test_what_is_no_message_is_refused_and_does_no_harm(engine: Any) -> None:
    one = talk(engine)
    for wrong, error in (("\ud800", UnicodeEncodeError), (1, TypeError), (None, TypeError)):
        with pytest.raises(error):
            one.ws.send_soon(wrong)
        with pytest.raises(error):
            await one.ws.send(wrong)
    await one.ws.send("fine")
    assert await read_frame(one.line) == (0x81, b"fine")
    await one.end()


async def test_a_coroutine_that_nobody_awaits_is_warned_of(engine: Any) -> None:
    one = talk(engine)
    with pytest.warns(RuntimeWarning, match=r"coroutine 'Connection\.send' was never awaited"):
        one.ws.send("x")
    with pytest.warns(RuntimeWarning, match=r"coroutine 'Connection\.recv' was never awaited"):
        one.ws.recv()
    await one.end()


async def test_a_coroutine_is_awaited_once(engine: Any) -> None:
    one = talk(engine)
    one.say(text("a"))
    for coroutine in (one.ws.recv(), one.ws.send("x")):
        await coroutine
        with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
            await coroutine
    await one.end()


async def test_a_peer_that_reads_nothing_is_given_up(engine: Any) -> None:
    one = talk(engine, max_unsent=100_000)
    with pytest.raises(ConnectionClosedError, match="the peer does not read"):
        while True:
            one.ws.send_soon(bytes(50_000))
    await one.end()


# Receiving


async def test_a_waiting_recv_that_is_dropped_keeps_nobody_else_from_reading(engine: Any) -> None:
    one = talk(engine)
    dropped = one.ws.recv()
    dropped.send(None)
    with pytest.raises(ConcurrencyError):
        await one.ws.recv()
    del dropped
    one.say(text("a"))
    assert await one.ws.recv() == "a"
    await one.end()


async def test_a_recv_that_was_closed_or_thrown_into_loses_nothing(engine: Any) -> None:
    one = talk(engine)
    closed, thrown = one.ws.recv(), one.ws.recv()
    closed.send(None)
    closed.close()
    thrown.send(None)
    with pytest.raises(ZeroDivisionError):
        thrown.throw(ZeroDivisionError())
    one.say(text("a"))
    assert await one.ws.recv() == "a"
    await one.end()


async def test_waiting_with_a_limit_of_time_loses_no_message(engine: Any) -> None:
    one = talk(engine)
    for number in range(20):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(one.ws.recv(), 0.001)
        one.say(text(str(number)))
        assert await asyncio.wait_for(one.ws.recv(), HANG) == str(number)
    await one.end()


async def test_the_message_of_a_cancellation_arrives(engine: Any) -> None:
    one = talk(engine)
    task = asyncio.create_task(one.ws.recv())
    await asyncio.sleep(0)
    task.cancel("enough")
    with pytest.raises(asyncio.CancelledError, match="enough"):
        await task
    await one.end()


async def test_a_tracer_sees_the_same_messages(engine: Any) -> None:
    one = talk(engine)
    before = sys.gettrace()
    sys.settrace(lambda *_: None)
    try:
        one.say(text("a"), text("b"))
        assert [await one.ws.recv(), await anext(one.ws)] == ["a", "b"]
    finally:
        sys.settrace(before)
    await one.end()


@pytest.mark.parametrize("size", SIZES)
async def test_messages_of_every_size_arrive_whole(engine: Any, size: int) -> None:
    one = talk(engine)
    frame = binary(bytes(size)) if size > 65_535 else b""
    if not frame:
        head = bytes([size]) if size < 126 else b"\x7e" + struct.pack("!H", size)
        frame = b"\x82" + head + bytes(size)
    sending = asyncio.create_task(asyncio.get_running_loop().sock_sendall(one.line.peer, frame))
    assert await one.ws.recv() == bytes(size)
    await sending
    await one.end()


# Events


async def hear(ears: Any, engine: Any) -> Any:
    """Say three messages together, and wait for the end of the connection or all of them."""
    one = talk(engine, events=ears)
    one.say(text("a"), text("b"), text("c"))
    async with asyncio.timeout(HANG):
        while len(ears.heard) < 3 and not ears.closed:
            await asyncio.sleep(0)
    return one


async def test_on_message_may_be_anything_that_can_be_called(engine: Any) -> None:
    class Static(Ears):
        heard: list[str | bytes] = []  # noqa: RUF012

        def __init__(self) -> None:
            self.closed = []

        @staticmethod
        def on_message(ws: Connection, data: str | bytes) -> None:  # type: ignore[override]
            Static.heard.append(data)

    own = Ears()
    own.on_message = lambda ws, data: own.heard.append(data)  # type: ignore[method-assign]
    for ears in (Static(), own):
        one = await hear(ears, engine)
        assert ears.heard == ["a", "b", "c"]
        await one.end()


@pytest.mark.parametrize("way", ["abort", "close_soon"])
async def test_whoever_ends_in_the_middle_of_a_batch_hears_no_more(engine: Any, way: str) -> None:
    class Leaving(Ears):
        def on_message(self, ws: Connection, data: str | bytes) -> None:
            self.heard.append(data)
            getattr(ws, way)()

    ears = Leaving()
    one = talk(engine, events=ears)
    one.say(text("a"), text("b"), text("c"))
    while not ears.heard:
        await asyncio.sleep(0)
    await one.end()
    assert ears.heard == ["a"] and ears.closed == [1006]


async def test_an_on_message_that_fails_ends_its_connection_with_1011(
    engine: Any, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(Ears):
        def on_message(self, ws: Connection, data: str | bytes) -> None:
            self.heard.append(data)
            raise ZeroDivisionError

    ears, other = Failing(), talk(engine, events=Ears())
    one = talk(engine, events=ears)
    with caplog.at_level(logging.ERROR):
        one.say(text("a"), text("b"))
        first, payload = await read_frame(one.line)
    assert (first, payload[:2]) == (0x88, struct.pack("!H", 1011))
    assert ears.heard == ["a"]
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [
        ZeroDivisionError
    ]
    await other.ws.send("untouched")
    assert await read_frame(other.line) == (0x81, b"untouched")
    await one.end()
    await other.end()


async def test_on_message_is_looked_up_at_the_first_message(engine: Any) -> None:
    class Choosing(Ears):
        def on_open(self, ws: Connection) -> None:
            self.on_message = lambda ws, data: self.heard.append(f"own {data}")  # type: ignore[method-assign]

    ears = Choosing()
    one = await hear(ears, engine)
    assert ears.heard == ["own a", "own b", "own c"]
    await one.end()


async def test_what_waits_behind_fragments_is_not_overtaken(engine: Any) -> None:
    one = talk(engine, Role.SERVER)
    first_is_out, may_end = asyncio.Event(), asyncio.Event()

    async def pieces() -> AsyncIterator[str]:
        yield "1"
        yield "2"
        first_is_out.set()
        await may_end.wait()
        yield "3"

    sending = asyncio.ensure_future(one.ws.send(pieces()))
    await first_is_out.wait()
    one.ws.send_soon("behind", text=True)
    one.ws.send_soon("last")
    may_end.set()
    await sending
    frames = [await read_frame(one.line) for _ in range(5)]
    assert [payload for _, payload in frames] == [b"1", b"2", b"3", b"behind", b"last"]
    await one.end()
