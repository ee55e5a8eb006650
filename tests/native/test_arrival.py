"""From accept() to an open connection in compiled code, and when the reference takes over."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from typing import Any

import pytest
import trustme

from tests.contracts.twins import needs
from tests.server.wire import HANG_SECONDS, ask, client_endpoint, read_answer, request, visit
from trunkline import Connection, Events, Request, Response, ServerConnection, native, serve
from trunkline.connection.lane import lane_type
from trunkline.engines.native_engine import NativeEngine
from trunkline.protocol.handshake import accept_key
from trunkline.server import serve as serve_module
from trunkline.server.opening import Opening

if native.AVAILABLE:
    from trunkline.native.arrival import Entrance
    from trunkline.native.opening import Reception

pytestmark = needs("arrival")

OTHER_KEY = "c29tZSBvdGhlciBub25jZQ=="
SHORT_SECONDS = 0.05
"""A deadline that is meant to pass."""


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUNKLINE_ENGINE", "native")


@pytest.fixture
def openings(monkeypatch: pytest.MonkeyPatch) -> list[Opening]:
    """Give the openings that the reference has made."""
    made: list[Opening] = []

    def new_opening(*arguments: Any, **named: Any) -> Opening:
        made.append(Opening(*arguments, **named))
        return made[-1]

    monkeypatch.setattr(serve_module, "Opening", new_opening)
    return made


class Echo(Events):
    def on_message(self, ws: Connection, data: str | bytes) -> None:
        ws.send_soon(data)


async def echo(ws: Connection) -> None:
    async for message in ws:
        await ws.send(message)


def choose(request: Request) -> Events:
    return Echo()


HANDLERS = [Echo, Echo(), choose, echo]


def server_for(handler: Any = Echo, **options: Any) -> Any:
    return serve(handler, "127.0.0.1", 0, **options)


@pytest.fixture
async def warm(openings: list[Opening]) -> AsyncIterator[Any]:
    """Give a server that has answered a plain request before."""
    async with server_for() as server:
        await ask(server, request())
        openings.clear()
        yield server


async def until_nobody_waits(server: Any) -> None:
    async with asyncio.timeout(HANG_SECONDS):
        while server._entrance.count:
            await asyncio.sleep(0)


async def until_somebody_waits(server: Any) -> None:
    async with asyncio.timeout(HANG_SECONDS):
        while not server._entrance.count:
            await asyncio.sleep(0)


def without_date(response: Response) -> Response:
    del response.headers["Date"]
    return response


# Who is opened


@pytest.mark.parametrize("handler", HANDLERS)
async def test_who_asks_what_was_asked_before_needs_no_opening(
    handler: Any, openings: list[Opening]
) -> None:
    endpoint = client_endpoint()
    async with server_for(handler) as server:
        for made in (1, 1, 1):
            async with visit(server) as (reader, writer):
                writer.write(request())
                assert (await read_answer(reader)).status_code == 101
                writer.write(endpoint.send_text("hello"))
                assert await reader.readexactly(7) == b"\x81\x05hello"
            assert len(openings) == made


async def test_the_answer_is_that_of_the_reference(openings: list[Opening]) -> None:
    async with server_for(server_header="mine/1", subprotocols=["chat"]) as server:
        asked = request(Sec_WebSocket_Protocol="other, chat")
        first, second = [without_date(await ask(server, asked)) for _ in range(2)]
    assert second == first
    assert len(openings) == 1


async def test_the_answer_is_to_the_key(warm: Any, openings: list[Opening]) -> None:
    response = await ask(warm, request(Sec_WebSocket_Key=OTHER_KEY))
    assert response.headers["Sec-WebSocket-Accept"] == accept_key(OTHER_KEY)
    assert not openings


async def test_frames_behind_the_request_are_heard(warm: Any, openings: list[Opening]) -> None:
    endpoint = client_endpoint()
    async with visit(warm) as (reader, writer):
        writer.write(request() + endpoint.send_text("glued"))
        await read_answer(reader)
        assert await reader.readexactly(7) == b"\x81\x05glued"
    assert not openings


async def test_a_connection_knows_its_opening(openings: list[Opening]) -> None:
    seen: list[Connection] = []

    class Keeper(Events):
        def on_open(self, ws: Connection) -> None:
            seen.append(ws)

    async with server_for(Keeper) as server:
        for path in ("/first", "/second?a=b"):
            await ask(server, request(path, Cookie="a=b", Sec_WebSocket_Key=OTHER_KEY))
    assert len(openings) == 1
    asked = seen[1].request
    assert asked is not None and asked.path == "/second?a=b" and asked.headers["Cookie"] == "a=b"
    assert asked.headers["Sec-WebSocket-Key"] == OTHER_KEY
    response = seen[1].response
    assert response is not None
    assert response.headers["Sec-WebSocket-Accept"] == accept_key(OTHER_KEY)


async def test_tls_is_opened_as_well(openings: list[Opening]) -> None:
    authority = trustme.CA()
    server_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(server_context)
    client_context = ssl.create_default_context()
    authority.configure_trust(client_context)
    async with server_for(ssl=server_context) as server:
        for _ in range(2):
            assert (await ask(server, request(), client_context)).status_code == 101
    assert len(openings) == 1


# Who is left to the reference


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (request(Origin="http://evil.com"), 403),
        (request(Upgrade=None), 426),
        (request(Host="other"), 101),
    ],
)
async def test_who_is_not_plain_is_judged(
    warm: Any, openings: list[Opening], sent: bytes, status: int
) -> None:
    assert (await ask(warm, sent)).status_code == status
    assert len(openings) == 1


async def test_a_request_in_pieces_is_collected(warm: Any, openings: list[Opening]) -> None:
    async with visit(warm) as (reader, writer):
        for byte in request():
            writer.write(bytes([byte]))
            await writer.drain()
        assert (await read_answer(reader)).status_code == 101
    assert len(openings) == 1


async def test_who_says_nothing_is_told_so(openings: list[Opening]) -> None:
    async with server_for(open_timeout=SHORT_SECONDS) as server:
        response = await ask(server, b"")
        assert response.status_code == 408
        await until_nobody_waits(server)


async def test_without_a_deadline_everybody_is_waited_for(openings: list[Opening]) -> None:
    async with server_for(open_timeout=None) as server, visit(server) as (reader, writer):
        await until_somebody_waits(server)
        writer.write(request())
        assert (await read_answer(reader)).status_code == 101


async def test_who_waits_while_the_server_closes_gets_503(warm: Any) -> None:
    async with visit(warm) as (reader, _):
        await until_somebody_waits(warm)
        warm.close()
        assert (await read_answer(reader)).status_code == 503
        assert warm._entrance.count == 0
    await warm.wait_closed()


async def test_who_comes_behind_the_end_is_left_to_the_reference() -> None:
    declined: list[object] = []

    def decline(stream: Any, waited: float) -> Any:
        declined.append(stream)

    engine = NativeEngine(asyncio.get_running_loop())
    entrance = new_entrance(engine, decline=decline)
    entrance.close()
    ours, theirs = socket.socketpair()
    with theirs:
        stream = engine.new_stream(ours.detach(), None, 1)
        entrance(stream)
        assert declined == [stream]
    engine.close()


@pytest.mark.parametrize("is_reset", [False, True])
async def test_who_goes_without_a_word_is_forgotten(
    warm: Any, openings: list[Opening], is_reset: bool
) -> None:
    visitor = socket.create_connection(warm.sockets[0].getsockname())
    await until_somebody_waits(warm)
    if is_reset:
        visitor.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    visitor.close()
    await until_nobody_waits(warm)
    assert not openings


# What goes wrong


async def test_events_that_cannot_be_made_are_answered_with_500(
    caplog: pytest.LogCaptureFixture, openings: list[Opening]
) -> None:
    made: list[Events] = []

    class Rare(Events):
        def __init__(self) -> None:
            if made:
                raise ValueError("no more")
            made.append(self)

    async with server_for(Rare) as server:
        assert (await ask(server, request())).status_code == 101
        assert (await ask(server, request())).status_code == 500
    assert "opening handshake failed" in caplog.text
    assert len(openings) == 2


async def test_a_handler_that_fails_in_its_beginning_reaches_nobody_else(
    caplog: pytest.LogCaptureFixture, warm: Any
) -> None:
    class Broken(Echo):
        opened = 0

        def on_open(self, ws: Connection) -> None:
            Broken.opened += 1
            if Broken.opened == 2:
                raise ValueError("oh")

    async with server_for(Broken) as server:
        for _ in range(3):
            assert (await ask(server, request())).status_code == 101
    assert Broken.opened == 3


def new_entrance(engine: NativeEngine, **changes: Any) -> Any:
    def fail(*arguments: object) -> None:
        raise MemoryError

    calls = ("decline", "footing_for", "opened", "start", "undo")
    named: Any = dict.fromkeys(calls, fail) | {"kind": lane_type(ServerConnection)} | changes
    reception = Reception(serve(echo, "x", 0)._options.limits, str, frozenset(), bytes)
    return Entrance(reception, engine.timers, None, 1, **named)


async def test_only_compiled_connections_are_made() -> None:
    engine = NativeEngine(asyncio.get_running_loop())
    with pytest.raises(TypeError, match="no kind of compiled connection"):
        new_entrance(engine, kind=ServerConnection)
    engine.close()


@pytest.mark.parametrize("wrong", [None, 1, "stream"])
async def test_only_native_streams_come_in(wrong: Any) -> None:
    engine = NativeEngine(asyncio.get_running_loop())
    with pytest.raises(TypeError):
        new_entrance(engine)(wrong)
    engine.close()


async def test_where_nobody_can_take_over_the_stream_is_cut(
    caplog: pytest.LogCaptureFixture,
) -> None:
    engine = NativeEngine(asyncio.get_running_loop())
    entrance = new_entrance(engine)
    ours, theirs = socket.socketpair()
    theirs.settimeout(HANG_SECONDS)
    with theirs:
        stream = engine.new_stream(ours.detach(), None, 1)
        entrance(stream)
        stream.open()
        theirs.send(b"GET / HTTP/1.1\r\n")
        while not stream.is_lost:
            await asyncio.sleep(0)
        assert not theirs.recv(1)
    assert entrance.count == 0
    engine.close()
