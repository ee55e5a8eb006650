"""A connection without its link does what the link would do, and has one only while it needs it."""

from __future__ import annotations

import asyncio
import copy
import gc
import logging
import pickle
import socket
import struct
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import pytest

from tests.contracts.twins import needs
from tests.engines.ear import HANG
from tests.native.line import make_line, new_engine, talk
from trunkline import native
from trunkline.close_codes import CloseCode
from trunkline.connection.connection import Connection
from trunkline.connection.events import Events
from trunkline.connection.lane import connection_type
from trunkline.connection.link import Link
from trunkline.connection.setting import Setting
from trunkline.connection.state import State
from trunkline.errors import ConnectionClosed, ConnectionClosedOK
from trunkline.limits import Limits
from trunkline.protocol.frames import encode_frame
from trunkline.protocol.handshake import Agreement
from trunkline.protocol.opcodes import Opcode
from trunkline.protocol.role import Role

if native.AVAILABLE:
    from trunkline.native.conversation import Conversation

pytestmark = needs("life")

KEY = b"\x11\x22\x33\x44"
WRITE_LIMIT = 1000
PING_BYTES = 6
"""Header and payload of a keep-alive's ping."""


@pytest.fixture
async def engine() -> AsyncIterator[Any]:
    engine = new_engine()
    yield engine
    engine.close()


def frame(opcode: Opcode, payload: bytes = b"", key: bytes | None = KEY) -> bytes:
    return bytes(encode_frame(opcode, payload, mask_key=key))


def goodbye(code: int | None, reason: str = "") -> bytes:
    """Make the frame of a client that closes."""
    body = b"" if code is None else struct.pack("!H", code) + reason.encode()
    return frame(Opcode.CLOSE, body)


def has_link(ws: Any) -> bool:
    """Whether there is a link; to ask the connection would make one."""
    return any(isinstance(part, Link) for part in gc.get_referents(ws))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(HANG):
        while not condition():
            await asyncio.sleep(0)


# The link is the oracle


class Diary(Events):
    """Writes down what it is told, and what can be known in that moment."""

    def __init__(self, then: str = "", action: Callable[[Any], object] | None = None) -> None:
        self.lines: list[Any] = []
        self.then, self.action = then, action

    def note(self, ws: Any, name: str, *told: object) -> None:
        known = (ws.state, ws.close_code, ws.close_reason)
        self.lines.append((name, *told, *known))
        if name == self.then and self.action is not None:
            self.action(ws)

    def on_open(self, ws: Connection) -> None:
        self.note(ws, "open")

    def on_message(self, ws: Connection, data: str | bytes) -> None:
        self.note(ws, "message", data)

    def on_ping(self, ws: Connection, data: bytes) -> None:
        self.note(ws, "ping", data)

    def on_pong(self, ws: Connection, data: bytes) -> None:
        self.note(ws, "pong", data)

    def on_drain(self, ws: Connection) -> None:
        self.note(ws, "drain")

    def on_error(self, ws: Connection, error: Exception) -> None:
        self.note(ws, "error", type(error), str(error))

    def on_close(self, ws: Connection, code: int, reason: str, was_clean: bool) -> None:
        error = ws.closed()
        told = (error.rcvd, error.sent, error.closer, error.code, error.reason, error.__cause__)
        self.note(ws, "close", code, reason, was_clean, type(error), told)


class Blind(Diary):
    """Asks the connection nothing, so that no link is made for it."""

    def note(self, ws: Any, name: str, *told: object) -> None:
        self.lines.append((name, *told))
        if name == self.then and self.action is not None:
            self.action(ws)

    def on_close(self, ws: Connection, code: int, reason: str, was_clean: bool) -> None:
        self.note(ws, "close", code, reason, was_clean)


TEXT = frame(Opcode.TEXT, b"hello")
SCRIPTS: dict[str, bytes] = {
    "goodbye": goodbye(1000),
    "goodbye with words": goodbye(4000, "größte Güte"),
    "goodbye with all the words that fit": goodbye(3000, "x" * 123),
    "goodbye without a code": goodbye(None),
    "message and goodbye": TEXT + goodbye(1001),
    "goodbye and what nobody reads": goodbye(1000) + TEXT + frame(Opcode.PING),
    "two goodbyes": goodbye(1000) + goodbye(1001),
    "pings": frame(Opcode.PING) + frame(Opcode.PING, b"p" * 125) + goodbye(1000),
    "pongs": frame(Opcode.PONG, b"unasked") + TEXT + goodbye(1000),
    "no goodbye": TEXT,
    "nothing": b"",
    "a code that must not travel": goodbye(1005),
    "half a code": frame(Opcode.CLOSE, b"\x03"),
    "words that are no text": frame(Opcode.CLOSE, b"\x03\xe8\xff"),
    "reserved opcode": b"\x83\x80" + KEY,
    "ping and then a mistake": frame(Opcode.PING, b"a") + b"\xc1\x80" + KEY + goodbye(1000),
}
ACTIONS: dict[str, Callable[[Any], object]] = {
    "closes": lambda ws: ws.close_soon(CloseCode.GOING_AWAY, "enough"),
    "aborts": lambda ws: ws.abort(),
    "fails": lambda ws: 1 / 0,
    "pings": lambda ws: ws.state is State.OPEN and ws.ping(b"ours"),
    "sends": lambda ws: ws.state is State.OPEN and ws.send_soon("answer"),
    "pauses": lambda ws: ws.pause_reading(),
}


async def live(
    engine: Any, kind: Any, diary: Diary, script: bytes, *, behind: bytes = b""
) -> tuple[list[Any], bytes]:
    """Play a script to a server's connection; give what its user saw, and its peer."""
    lost: list[Any] = []
    line = make_line(engine.poller, write_limit=WRITE_LIMIT, tcp=True)
    limits = Limits(ping_interval=None)
    logger = logging.getLogger("trunkline.test")
    setting = Setting(engine, Role.SERVER, limits, logger, lost.append)
    ws = (kind or connection_type(Connection, line.stream))(setting, line.stream)
    ws.open(Agreement(), diary, behind)
    with line.peer:
        seen = b""
        async with asyncio.timeout(HANG):
            with suppress(OSError):  # the user may have cut it
                line.peer.sendall(script)
                line.peer.shutdown(socket.SHUT_WR)
                seen = await line.peer_reads(1 << 20)
            await until(lambda: bool(lost))
    assert lost == [ws]
    return diary.lines, seen


@pytest.mark.parametrize("diary", [Diary, Blind])
@pytest.mark.parametrize("script", SCRIPTS)
async def test_a_life_takes_the_same_course_with_and_without_link(
    engine: Any, script: str, diary: type[Diary]
) -> None:
    expected = await live(engine, Connection, diary(), SCRIPTS[script])
    assert await live(engine, None, diary(), SCRIPTS[script]) == expected


@pytest.mark.parametrize("then", ["open", "message", "ping", "pong", "close", "error"])
@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("script", ["no goodbye", "message and goodbye", "pings", "pongs"])
async def test_it_takes_the_same_course_where_the_user_gets_in_its_way(
    engine: Any, script: str, then: str, action: str
) -> None:
    def diary() -> Diary:
        return Blind(then, ACTIONS[action])

    if action == "pauses" and then in ("open", "message", "ping", "pong"):
        pytest.skip("nothing would end it")
    expected = await live(engine, Connection, diary(), SCRIPTS[script])
    assert await live(engine, None, diary(), SCRIPTS[script]) == expected


@pytest.mark.parametrize("script", SCRIPTS)
async def test_what_arrived_behind_the_handshake_counts_as_well(engine: Any, script: str) -> None:
    behind = SCRIPTS[script]
    expected = await live(engine, Connection, Diary(), b"", behind=behind)
    assert await live(engine, None, Diary(), b"", behind=behind) == expected


@pytest.mark.parametrize("code", [1000, 1001, 1011, 4000, None])
@pytest.mark.parametrize("is_iterated", [True, False])
async def test_a_reader_hears_the_same_with_and_without_link(
    engine: Any, code: int | None, is_iterated: bool
) -> None:
    async def read(kind: Any) -> list[Any]:
        line = make_line(engine.poller, tcp=True)
        limits = Limits(ping_interval=None)
        setting = Setting(engine, Role.SERVER, limits, logging.getLogger("trunkline.test"))
        ws = (kind or connection_type(Connection, line.stream))(setting, line.stream)
        ws.open(Agreement(), None, b"")
        heard: list[Any] = []
        with line.peer:
            line.peer.sendall(TEXT + goodbye(code))
            line.peer.shutdown(socket.SHUT_WR)
            try:
                while True:
                    heard.append(await (anext(ws) if is_iterated else ws.recv()))
            except (ConnectionClosed, StopAsyncIteration) as error:
                heard.append((type(error), str(error)))
            ws.close_soon()
            await ws.wait_closed()
        return [*heard, ws.close_code, str(ws.closed())]

    expected = await read(Connection)
    assert await read(None) == expected


# Whether there is a link


def server(engine: Any, events: Events | None = None, **limits: Any) -> Any:
    return talk(engine, Role.SERVER, events, **limits)


async def test_at_rest_there_is_no_link(engine: Any) -> None:
    diary = Blind()
    one = server(engine, diary)
    one.say(TEXT, frame(Opcode.PING, b"a"), frame(Opcode.PONG, b"b"))
    await until(lambda: len(diary.lines) == 4)
    assert one.ws.state is State.OPEN and one.ws.latency == 0.0
    assert one.ws.buffered_amount == 0 and one.ws.logger.name == "trunkline.test"
    assert not has_link(one.ws)
    one.say(goodbye(1000))
    one.line.peer.shutdown(socket.SHUT_WR)
    await until(lambda: diary.lines[-1][0] == "close")
    assert one.ws.state is State.CLOSED
    assert not has_link(one.ws)
    one.line.peer.close()


async def test_an_idle_connection_that_answers_the_keep_alive_has_no_link(engine: Any) -> None:
    diary = Blind()
    one = server(engine, diary, ping_interval=0.01, ping_timeout=60.0)
    ping = await one.line.peer_reads(PING_BYTES)
    assert has_link(one.ws)
    one.line.stream.last_heard += 1000.0  # no other ping comes between
    one.say(frame(Opcode.PONG, ping[2:]))
    await until(lambda: len(diary.lines) == 2)
    assert not has_link(one.ws)
    assert one.ws.latency > 0.0
    assert len(engine.timers) == 1  # the keep-alive goes on
    await one.end()


async def test_a_sign_of_life_puts_the_keep_alive_off(engine: Any) -> None:
    one = server(engine, Blind(), ping_interval=0.01, ping_timeout=60.0)
    one.line.stream.last_heard += 1000.0  # as if it spoke all the time
    later = asyncio.Event()
    engine.timers.call_in(0.1, later.set)
    async with asyncio.timeout(HANG):
        await later.wait()
    assert len(engine.timers) == 1  # the keep-alive's: it has looked, and looks again
    assert not has_link(one.ws)
    assert one.line.peer_takes() == b""
    await one.end()


async def test_a_peer_that_answers_no_ping_is_given_up(engine: Any) -> None:
    diary = Blind()
    one = server(engine, diary, ping_interval=0.01, ping_timeout=0.01)
    await until(lambda: diary.lines[-1][0] == "close")
    assert [line[0] for line in diary.lines] == ["open", "error", "close"]
    one.line.peer.close()


async def test_whoever_holds_the_link_keeps_it_through_a_pong(engine: Any) -> None:
    one = server(engine, Blind())
    link = one.ws._link
    round_trip = one.ws.ping(b"abcd")
    assert await one.line.peer_reads(PING_BYTES) == b"\x89\x04abcd"
    one.say(frame(Opcode.PONG, b"abcd"))
    await round_trip
    assert one.ws._link is link
    latency = link.latency
    del link
    one.say(frame(Opcode.PONG, b"unasked"))
    await until(lambda: not has_link(one.ws))
    assert one.ws.latency == latency > 0.0
    await one.end()


async def test_a_link_with_something_to_do_stays(engine: Any) -> None:
    diary = Blind()
    one = server(engine, diary)
    one.ws.ping(b"first")
    one.say(frame(Opcode.PONG, b"another"))
    await until(lambda: len(diary.lines) == 2)
    assert has_link(one.ws)
    one.say(frame(Opcode.PONG, b"first"))
    await until(lambda: len(diary.lines) == 3)
    assert not has_link(one.ws)
    await one.end()


# The end


async def test_a_client_that_said_goodbye_and_stays_is_cut_off(engine: Any) -> None:
    diary = Blind()
    one = server(engine, diary, close_timeout=0.01)
    one.say(goodbye(1000))
    await until(lambda: diary.lines[-1][0] == "close")
    assert diary.lines[-1] == ("close", 1000, "", True)
    assert not has_link(one.ws)
    one.line.peer.close()


async def test_a_handler_that_reads_to_the_goodbye_needs_no_link(engine: Any) -> None:
    heard: list[Any] = []

    async def handler(ws: Any) -> None:
        heard.extend([message async for message in ws])

    def conclude(*_: object) -> Any:
        raise AssertionError("there is nothing to conclude")

    one = server(engine)
    one.say(TEXT, goodbye(1000))
    logger = logging.getLogger("trunkline.test")
    async with asyncio.timeout(HANG):
        await asyncio.create_task(Conversation(handler, one.ws, logger, conclude))
    assert heard == ["hello"]
    assert not has_link(one.ws)
    await one.end()


async def test_without_a_close_timeout_it_may_stay(engine: Any) -> None:
    diary = Blind()
    one = server(engine, diary, close_timeout=None, ping_interval=20.0)
    one.say(goodbye(1000))
    await until(lambda: one.ws.state is State.CLOSING)
    assert len(engine.timers) == 0
    one.line.peer.close()
    await until(lambda: diary.lines[-1][0] == "close")


async def test_a_link_that_is_made_after_the_goodbye_knows_of_it(engine: Any) -> None:
    one = server(engine, Blind())
    one.say(goodbye(1001, "later"))
    await until(lambda: one.ws.state is State.CLOSING)
    assert not has_link(one.ws)
    link = one.ws._link
    assert len(engine.timers) == 1
    link.fire()  # as its timer does: the peer never ends the stream
    async with asyncio.timeout(HANG):
        await one.ws.wait_closed()
    assert (one.ws.close_code, one.ws.close_reason) == (1001, "later")
    assert isinstance(one.ws.closed(), ConnectionClosedOK)
    one.line.peer.close()


async def test_a_server_waits_for_the_end_of_a_client_that_it_answered(engine: Any) -> None:
    diary = Blind()
    one = talk(engine, Role.CLIENT, diary)
    one.say(frame(Opcode.CLOSE, b"\x03\xe8", key=None))
    answer = await one.line.peer_reads(8)
    assert answer[:2] == b"\x88\x82"
    assert one.line.peer_takes() == b""  # a client lets the server end the stream
    one.line.peer.close()
    await until(lambda: diary.lines[-1][0] == "close")
    assert diary.lines[-1] == ("close", 1000, "", True)


async def test_there_is_room_again_without_a_link(engine: Any) -> None:
    diary = Blind()
    one = server(engine, diary, write_limit=WRITE_LIMIT)
    one.ws.send_soon(bytes(1 << 20))
    assert one.ws.buffered_amount > WRITE_LIMIT
    while len(diary.lines) == 1:
        one.line.peer_takes()
        await asyncio.sleep(0)
    assert diary.lines[-1] == ("drain",)
    assert not has_link(one.ws)
    await one.end()


async def test_a_ping_where_nothing_leaves_is_the_links_affair(engine: Any) -> None:
    diary = Blind()
    one = server(engine, diary, write_limit=WRITE_LIMIT)
    one.ws.send_soon(bytes(1 << 20))
    one.say(frame(Opcode.PING, b"wait"))
    await until(lambda: len(diary.lines) == 2)
    assert has_link(one.ws)
    data = b""
    while not data.endswith(b"\x8a\x04wait"):
        data = (data + one.line.peer_takes())[-PING_BYTES:]
        await asyncio.sleep(0)
    await one.end()


async def test_a_connection_that_has_ended_is_freed_without_the_collector(engine: Any) -> None:
    one = server(engine, Blind())
    ws = weakref.ref(one.ws)
    one.say(goodbye(1000))
    one.line.peer.shutdown(socket.SHUT_WR)
    one.ws = None
    gc.disable()
    try:
        await until(lambda: ws() is None)
    finally:
        gc.enable()
    one.line.peer.close()


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
async def test_nothing_of_it_can_be_copied(engine: Any, copied: Any) -> None:
    one = talk(engine)
    one.ws.user = "one"
    for part in (one.ws, one.ws._stream, one.ws._link.endpoint, one.ws.inbox):
        with pytest.raises((TypeError, pickle.PicklingError)):
            copied(part)
    await one.end()


async def test_it_keeps_what_its_heads_have_of_their_own(engine: Any) -> None:
    one, other = talk(engine), talk(engine)
    assert type(one.ws).__new__(type(one.ws))._own_values is None
    for values in (b"", b"key", b"longer than before" * 1000, b"key"):
        one.ws.keep_heads(b"", values)
        other.ws.keep_heads(b"", values[:1])
        assert (one.ws._own_values, other.ws._own_values) == (values, values[:1])
    with pytest.raises(TypeError):
        one.ws._own_values = None
    assert one.ws._own_values == b"key"
    await one.end()
    await other.end()
