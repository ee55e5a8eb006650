"""A connection has a fast lane where its stream is native, and is the same otherwise."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest

from tests.connection.memory_stream import MemoryEngine, MemoryStream
from tests.engines.ear import HANG
from tests.reimport import reimport
from trunkline import native
from trunkline.close_codes import Close
from trunkline.connection import lane
from trunkline.connection.connection import Connection
from trunkline.connection.ending import Ending
from trunkline.connection.events import Dispatcher, Events
from trunkline.connection.lane import connection_type, lane_type
from trunkline.connection.setting import Setting
from trunkline.connection.state import State
from trunkline.errors import ConnectionClosed
from trunkline.limits import DEFAULT_LIMITS
from trunkline.protocol.handshake import Agreement
from trunkline.protocol.role import Role

if native.AVAILABLE:
    from trunkline.engines.native_engine import NativeEngine
    from trunkline.native.inbox import Inbox
    from trunkline.native.lane import Lane

needs_native = pytest.mark.skipif(not native.AVAILABLE, reason=str(native.WHY_NOT))
LOGGER = logging.getLogger("trunkline.test")


class Special(Connection):
    """As users derive one."""

    greeting = "hello"


class Ears(Events):
    def __init__(self) -> None:
        self.heard: list[str | bytes] = []
        self.calls: list[str] = []
        self.closed = asyncio.Event()

    def on_open(self, ws: Connection) -> None:
        self.calls.append("open")

    def on_message(self, ws: Connection, data: str | bytes) -> None:
        self.heard.append(data)

    def on_close(self, ws: Connection, code: int, reason: str, was_clean: bool) -> None:
        self.closed.set()


@pytest.fixture
async def engine() -> AsyncIterator[Any]:
    engine = NativeEngine(asyncio.get_running_loop())
    yield engine
    engine.close()


def begin(engine: Any, kind: type[Connection]) -> Any:
    """Make a connection that is not open yet, and the socket of its peer."""
    mine, peer = socket.socketpair()
    mine.setblocking(False)
    stream = engine.new_stream(mine.detach(), None, 1000)
    setting = Setting(engine, Role.CLIENT, DEFAULT_LIMITS, LOGGER)
    made = connection_type(kind, stream)(setting, stream)
    stream.open()
    return made, peer


def connect(engine: Any, kind: type[Connection], events: Events | None = None) -> Any:
    """Make an open connection, and the socket of its peer."""
    made, peer = begin(engine, kind)
    made.open(Agreement(), events, b"")
    return made, peer


def memory_stream() -> MemoryStream:
    return MemoryStream(1000, MemoryEngine().now)


def test_a_stream_that_is_not_native_has_no_lane() -> None:
    assert connection_type(Special, memory_stream()) is Special


def test_where_nothing_is_compiled_no_stream_has_a_lane(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "AVAILABLE", False)
    pure = reimport(lane)
    assert pure.connection_type(Special, memory_stream()) is Special
    assert not hasattr(pure, "Lane")


@needs_native
async def test_a_native_stream_has_one_and_the_type_keeps_its_name(engine: Any) -> None:
    ws, peer = connect(engine, Special)
    with peer:
        kind = type(ws)
        assert issubclass(kind, Lane) and issubclass(kind, Special)
        assert kind.__name__ == "Special" and kind.__qualname__ == Special.__qualname__
        assert kind.__module__ == Special.__module__ and kind.__doc__ == Special.__doc__
        assert ws.greeting == "hello"
        assert connection_type(Special, ws._link.stream) is kind
        assert connection_type(Connection, ws._link.stream) is not kind
        assert isinstance(ws.inbox, Inbox)
        ws.abort()
        await ws.wait_closed()


@needs_native
async def test_messages_are_received_through_the_compiled_inbox(engine: Any) -> None:
    ws, peer = connect(engine, Special)
    with peer:
        peer.sendall(b"\x81\x01a\x82\x02bc")
        assert [await ws.recv(), await ws.recv()] == ["a", b"bc"]
        ws.abort()
        await ws.wait_closed()


async def arrived(ws: Any, count: int) -> None:
    """Wait until so many messages have come."""
    async with asyncio.timeout(HANG):
        while ws._setting.traffic.messages_received < count:
            await asyncio.sleep(0)


@needs_native
async def test_what_is_unread_when_the_peer_is_dismissed_is_dropped_and_counted(
    engine: Any,
) -> None:
    ws, peer = connect(engine, Special)
    with peer:
        peer.sendall(b"\x81\x01a\x81\x01b\x82\x01c")
        assert await ws.recv() == "a"
        await arrived(ws, 3)
        ws.dismiss(4000, "go")
        for _ in range(2):
            with pytest.raises(ConnectionClosed) as caught:
                await ws.recv()
            assert (caught.value.code, caught.value.reason) == (4000, "go")
        assert ws._setting.traffic.discarded == 2
        assert ws.state is State.CLOSING
        ws.abort()
        await ws.wait_closed()


@needs_native
async def test_whoever_waits_when_the_peer_is_dismissed_is_told_at_once(engine: Any) -> None:
    ws, peer = connect(engine, Special)
    with peer:
        reader = asyncio.create_task(anext(ws))
        await asyncio.sleep(0)
        ws.dismiss(4000)
        with pytest.raises(ConnectionClosed, match="4000"):
            await reader
        assert ws._setting.traffic.discarded == 0
        ws.abort()
        await ws.wait_closed()


@needs_native
async def test_events_of_a_dismissed_peer_have_nothing_to_drop(engine: Any) -> None:
    ws, peer = connect(engine, Special, ears := Ears())
    with peer:
        peer.sendall(b"\x81\x01a")
        await arrived(ws, 1)
        ws.dismiss(4000)
        ws.abort()
        await ws.wait_closed()
        assert (ears.heard, ws._setting.traffic.discarded) == (["a"], 0)


@needs_native
async def test_messages_go_to_events_where_there_are_any(engine: Any) -> None:
    ears = Ears()
    ws, peer = connect(engine, Special, ears)
    with peer:
        assert ws.inbox is None
        assert isinstance(ws._link.consumer, Dispatcher)
        peer.sendall(b"\x81\x01a\x88\x00")
        peer.shutdown(socket.SHUT_WR)
        async with asyncio.timeout(HANG):
            await ws.wait_closed()
        assert ears.heard == ["a"]
        assert ears.calls == ["open"]


@needs_native
async def test_the_states_follow_each_other(engine: Any) -> None:
    ws, peer = begin(engine, Special)
    with peer:
        assert ws.state is State.CONNECTING
        link = ws._link
        assert link.state is State.CONNECTING
        with pytest.raises(ConnectionClosed):
            ws.send_soon("too early")  # as a hook may, which sees it before it is open
        ws.open(Agreement(), Ears(), b"")
        assert ws._link is link and ws.state is link.state is State.OPEN
        peer.sendall(b"\x88\x00")
        peer.shutdown(socket.SHUT_WR)
        async with asyncio.timeout(HANG):
            await ws.wait_closed()
        assert ws.state is State.CLOSED


@needs_native
@pytest.mark.parametrize("name", ["state", "subprotocol", "latency", "close_code", "_link"])
def test_what_was_never_made_is_an_error_at_worst(name: str) -> None:
    kind: Any = lane_type(Special)
    with suppress(AttributeError):
        getattr(kind.__new__(kind), name)


@needs_native
async def test_a_link_that_is_asked_for_at_the_end_knows_of_the_goodbye(engine: Any) -> None:
    ws, peer = connect(engine, Special, ears := Ears())
    with peer:
        peer.sendall(b"\x88\x02\x03\xe9")
        peer.shutdown(socket.SHUT_WR)
        async with asyncio.timeout(HANG):
            await ears.closed.wait()
        assert ws._link.is_lost and ws._link.ending == Ending.answered(Close(1001, ""))


@needs_native
async def test_what_follows_from_an_agreement_is_remembered_within_limits(
    engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "MOST_TERMS", 1)
    setting = Setting(engine, Role.SERVER, DEFAULT_LIMITS, LOGGER)
    plain, chat = Agreement(), Agreement(subprotocol="chat")
    footing = lane.footing_for(setting, plain)
    assert lane.footing_for(setting, plain) is footing
    assert lane.footing_for(setting, chat) is not lane.footing_for(setting, chat)
    assert lane.footing_for(setting, chat).agreement is chat
    assert setting.footings == {plain: footing}


@needs_native
async def test_a_connection_at_rest_feels_the_pulse_on_the_clock_of_its_engine(
    engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws, peer = connect(engine, Special)
    with peer:
        now = ws._stream.last_heard + 7.0
        monkeypatch.setattr(engine, "now", lambda: now)
        assert ws._silence() == pytest.approx(7.0)
        ws.abort()
        await ws.wait_closed()
