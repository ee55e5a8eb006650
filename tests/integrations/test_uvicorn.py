"""uvicorn with Trunkline's WebSocket protocol: the whole way, with real servers and clients."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
import uvicorn
import websockets
from uvicorn.server import ServerState

import trunkline
from tests.contracts.engines import ENGINES
from tests.contracts.escapes import Escapes
from tests.integrations.serving import HANG, OPENING, Recorded, echo, serving
from trunkline.engines.choose import current_engine
from trunkline.integrations.interface import Message, Receive, Scope, Send
from trunkline.integrations.uvicorn import WebSocketProtocol, make_limits

HTTP = ["h11", "httptools"]
BIG = 300_000
"""Bytes: several reads and writes."""
NO_LINGER = struct.pack("ii", 1, 0)
"""Closing sends RST (RFC 9293 §3.10.4)."""


pytestmark = pytest.mark.parametrize("engine_name", ENGINES, indirect=True)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(HANG):
        while not condition():
            await asyncio.sleep(0.001)


# Messages


async def test_the_engine_that_is_asked_for_moves_the_bytes(engine_name: str) -> None:
    tasks: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        tasks.append(asyncio.current_task())
        await echo(scope, receive, send)

    async with serving(app) as served, trunkline.connect(served.uri()):
        is_native = engine_name == "native"
        assert type(tasks[0].get_coro()).__name__ == ("Conversation" if is_native else "coroutine")


@pytest.mark.parametrize("http", HTTP)
async def test_messages_of_every_kind_come_back(http: str) -> None:
    async with serving(echo, http=http) as served, trunkline.connect(served.uri()) as ws:
        for message in ("text", b"binary", "", b"", "ä" * BIG, os.urandom(BIG)):
            await ws.send(message)
            assert await ws.recv() == message
        await ws.send(["in ", "fragments"])
        assert await ws.recv() == "in fragments"
        assert await ws.ping() >= 0
        assert len(served.state.connections) == len(served.state.tasks) == 1
    assert ws.close_code == 1000


@pytest.mark.parametrize("http", HTTP)
async def test_the_websockets_library_is_served_with_compression(http: str) -> None:
    async with serving(echo, http=http) as served, websockets.connect(served.uri()) as ws:
        assert "permessage-deflate" in ws.response.headers["Sec-WebSocket-Extensions"]
        await ws.send(["many ", "fragments ", "of text " * 1000])
        assert await ws.recv() == "many fragments " + "of text " * 1000
        await (await ws.ping())


async def test_compression_can_be_switched_off() -> None:
    async with (
        serving(echo, ws_per_message_deflate=False) as served,
        trunkline.connect(served.uri()) as ws,
    ):
        assert ws.extensions == []


async def test_many_messages_at_once_come_back_in_order() -> None:
    async with serving(echo) as served, trunkline.connect(served.uri()) as ws:
        for number in range(1000):
            ws.send_soon(str(number))
        assert [int(await ws.recv()) for _ in range(1000)] == list(range(1000))


async def test_many_connections_are_served_at_once() -> None:
    async with serving(echo) as served:
        clients = [await trunkline.connect(served.uri()) for _ in range(50)]
        for number, ws in enumerate(clients):
            ws.send_soon(f"I am {number}")
        assert [await ws.recv() for ws in clients] == [f"I am {n}" for n in range(50)]
        for ws in clients:
            await ws.close()
        await until(lambda: not served.state.connections)


# The opening


async def scope_for(path: str, *, root_path: str = "", **options: Any) -> Scope:
    recorded = Recorded()
    async with (
        serving(recorded.wrap(echo), root_path=root_path) as served,
        trunkline.connect(served.uri(path), **options) as ws,
    ):
        scope = dict(recorded.scopes[0])
        assert scope["server"] == ("127.0.0.1", served.port)
        assert scope["client"] == ws.local_address
    return scope


async def test_the_scope_says_what_the_request_said() -> None:
    scope = await scope_for(
        "/a%20b/c?q=1&r=%2F",
        subprotocols=["one", "two"],
        additional_headers={"X-Latin": "caf\xe9", "Cookie": "a=b"},
    )
    assert scope["type"] == "websocket"
    assert scope["asgi"] == {"version": "3.0", "spec_version": "2.4"}
    assert (scope["scheme"], scope["http_version"]) == ("ws", "1.1")
    assert (scope["path"], scope["raw_path"]) == ("/a b/c", b"/a%20b/c")
    assert (scope["root_path"], scope["query_string"]) == ("", b"q=1&r=%2F")
    assert scope["subprotocols"] == ["one", "two"]
    assert scope["extensions"] == {"websocket.http.response": {}}
    headers = dict(scope["headers"])
    assert headers[b"x-latin"] == b"caf\xe9"
    assert headers[b"cookie"] == b"a=b"
    assert b"sec-websocket-key" in headers


async def test_the_root_path_is_put_before_the_paths() -> None:
    scope = await scope_for("/a", root_path="/site")
    assert (scope["root_path"], scope["path"], scope["raw_path"]) == (
        "/site",
        "/site/a",
        b"/site/a",
    )


async def test_what_the_lifespan_left_is_in_the_state() -> None:
    states: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            scope["state"]["left"] = "here"
            for step in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{step}.complete"})
        else:
            states.append(scope["state"])
            await echo(scope, receive, send)

    async with serving(app, lifespan="on") as served, trunkline.connect(served.uri()):
        assert states == [{"left": "here"}]


async def test_the_application_chooses_subprotocol_and_headers() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        headers = [(b"x-own", b"1"), (b"x-own", b"2")]
        await send({"type": "websocket.accept", "subprotocol": "two", "headers": headers})
        await receive()

    async with (
        serving(app) as served,
        trunkline.connect(served.uri(), subprotocols=["one", "two"]) as ws,
    ):
        assert ws.subprotocol == "two"
        assert ws.response is not None
        assert ws.response.headers.get_all("x-own") == ["1", "2"]
        assert ws.response.headers["server"] == "uvicorn"
        assert "date" in ws.response.headers


async def test_the_servers_headers_can_be_switched_off() -> None:
    options: Any = {"date_header": False, "server_header": False}
    async with serving(echo, **options) as served, trunkline.connect(served.uri()) as ws:
        assert ws.response is not None
        assert not {"date", "server"} & {name.lower() for name in ws.response.headers}


async def test_an_answer_is_logged_as_uvicorn_does_and_without_a_query(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "uvicorn.error")
    async with serving(echo) as served, trunkline.connect(served.uri("/x?y=1")):
        assert any('"WebSocket /x" [accepted]' in line for line in caplog.messages)
        assert "y=1" not in caplog.text


async def test_behind_tls_the_scheme_is_wss(tmp_path: Path) -> None:
    authority = trustme.CA()
    path = tmp_path / "server.pem"
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(path)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    recorded = Recorded()
    async with serving(recorded.wrap(echo), ssl_certfile=path) as served:
        uri = f"wss://localhost:{served.port}/"
        async with trunkline.connect(uri, ssl=context) as ws:
            await ws.send("x" * BIG)
            assert await ws.recv() == "x" * BIG
    assert recorded.scopes[0]["scheme"] == "wss"


@pytest.mark.parametrize("http", HTTP)
async def test_a_request_that_breaks_a_rule_is_refused(http: str) -> None:
    recorded = Recorded()
    async with serving(recorded.wrap(echo), http=http) as served:
        assert b" 426 " in await served.ask("Sec-WebSocket-Key: " + "x")
        assert b" 400 " in await served.ask("Sec-WebSocket-Key: x", "Sec-WebSocket-Version: 13")
        assert b" 400 " in await served.ask(*OPENING, "Sec-WebSocket-Extensions: ;")
        many = [f"X-{number}: {number}" for number in range(100)]
        answer = await served.ask(*OPENING, *many)
        assert answer.startswith(b"HTTP/1.1 431 ")
        assert b"server: uvicorn" in answer
        large = "X-Large: " + "x" * 20_000
        assert (await served.ask(*OPENING, large)).startswith(b"HTTP/1.1 431 ")
        await until(lambda: not served.state.connections)
    assert recorded.scopes == []


async def test_a_refused_client_that_stays_holds_up_no_shutdown() -> None:
    async with serving(echo) as served:
        reader, writer = await served.raw("Sec-WebSocket-Key: x")
        assert b" 426 " in await reader.readline()
        await served.stop()
        assert served.state.connections == set()
        writer.transport.abort()


# Refusals of the application's


async def refused(app: Any, **options: Any) -> trunkline.Response:
    async with serving(app, **options) as served:
        with pytest.raises(trunkline.InvalidStatus) as caught:
            await trunkline.connect(served.uri())
        await until(lambda: not (served.state.connections or served.state.tasks))
    return caught.value.response


async def test_closing_before_accepting_is_403() -> None:
    recorded = Recorded()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": "no"})
        await receive()

    response = await refused(recorded.wrap(app))
    assert (response.status_code, response.body) == (
        403,
        b"the application refuses this connection\n",
    )
    assert recorded.told[-1] == {"type": "websocket.disconnect", "code": 1006, "reason": ""}


async def test_a_denial_response_is_sent_as_it_is() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        headers = [(b"www-authenticate", b"Basic"), (b"content-length", b"999")]
        start: Message = {"type": "websocket.http.response.start", "status": 401}
        await send(start | {"headers": headers})
        await send({"type": "websocket.http.response.body", "body": b"who ", "more_body": True})
        await send({"type": "websocket.http.response.body", "body": b"are you?"})

    response = await refused(app)
    assert (response.status_code, response.body) == (401, b"who are you?")
    assert response.headers["www-authenticate"] == "Basic"
    assert response.headers["content-length"] == "12"
    assert response.headers["connection"] == "close"


async def test_an_application_that_raises_early_is_500(escapes: Escapes) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise LookupError("before")

    assert (await refused(app)).status_code == 500
    assert [type(error) for error in escapes.take()] == [LookupError]


async def test_an_application_that_returns_without_an_answer_is_500(escapes: Escapes) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()

    assert (await refused(app)).status_code == 500
    assert escapes.take() == ["ASGI application returned without an answer to the client"]


# Ends


async def end_for(app: Any, say: Callable[[trunkline.ClientConnection], Any]) -> Any:
    """Let a client do something, and give the end that it sees, and what the application heard."""
    recorded = Recorded()
    async with serving(recorded.wrap(app)) as served:
        ws = await trunkline.connect(served.uri())
        await say(ws)
        await ws.wait_closed()
        await recorded.until_ended()
        await until(lambda: not (served.state.connections or served.state.tasks))
    return (ws.close_code, ws.close_reason), recorded.told[-1]


@pytest.mark.parametrize("code", [1000, 1001, 3000, 4999])
async def test_the_clients_code_and_reason_reach_the_application(code: int) -> None:
    ended, told = await end_for(echo, lambda ws: ws.close(code, "words"))
    assert ended == (code, "words")
    assert told == {"type": "websocket.disconnect", "code": code, "reason": "words"}


async def test_a_close_without_a_code_is_1005() -> None:
    ended, told = await end_for(echo, lambda ws: ws.close(None))
    assert ended == (1005, "")
    assert told == {"type": "websocket.disconnect", "code": 1005, "reason": ""}


async def test_a_client_that_is_cut_is_1006() -> None:
    async def cut(ws: trunkline.ClientConnection) -> None:
        ws.abort()

    _, told = await end_for(echo, cut)
    assert told["code"] == 1006


async def test_the_applications_code_and_reason_reach_the_client() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 4000, "reason": "enough"})
        await receive()

    async def wait(ws: trunkline.ClientConnection) -> None:
        await ws.wait_closed()

    ended, told = await end_for(app, wait)
    assert ended == (4000, "enough")
    assert told == {"type": "websocket.disconnect", "code": 4000, "reason": "enough"}


async def test_an_application_that_returns_closes_with_1000() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": "that is all"})

    async def read(ws: trunkline.ClientConnection) -> None:
        assert await ws.recv() == "that is all"

    ended, _ = await end_for(app, read)
    assert ended == (1000, "")


async def test_an_application_that_raises_closes_with_1011(escapes: Escapes) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
        raise LookupError("in the middle")

    ended, _ = await end_for(app, lambda ws: ws.send("x"))
    assert ended[0] == 1011
    assert [type(error) for error in escapes.take()] == [LookupError]


async def test_a_message_above_the_limit_closes_with_1009() -> None:
    recorded = Recorded()
    async with serving(recorded.wrap(echo), ws_max_size=100) as served:
        async with trunkline.connect(served.uri(), compression=None) as ws:
            await ws.send("x" * 100)
            assert await ws.recv() == "x" * 100
            await ws.send("x" * 101)
            with pytest.raises(trunkline.ConnectionClosedError) as caught:
                await ws.recv()
            assert caught.value.code == 1009
        await recorded.until_ended()
    assert recorded.told[-1] == {
        "type": "websocket.disconnect",
        "code": 1009,
        "reason": "message is 101 bytes, limit 100",
    }


async def test_a_disconnect_is_noticed_by_who_only_sends() -> None:
    ended = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        try:
            while True:
                await send({"type": "websocket.send", "text": "tick"})
                await asyncio.sleep(0)
        except OSError:
            ended.set()
            raise

    async with serving(app) as served:
        ws = await trunkline.connect(served.uri())
        assert await ws.recv() == "tick"
        ws.abort()
        async with asyncio.timeout(HANG):
            await ended.wait()
        await until(lambda: not served.state.connections)


async def test_a_client_that_does_not_answer_pings_is_given_up() -> None:
    recorded = Recorded()
    options: Any = {"ws_ping_interval": 0.05, "ws_ping_timeout": 0.05}
    async with serving(recorded.wrap(echo), **options) as served:
        reader, writer = await served.raw(*OPENING)
        assert b" 101 " in await reader.readline()
        await recorded.until_ended()
        assert recorded.told[-1]["code"] == 1011
        assert recorded.told[-1]["reason"] == "no answer to a ping"
        writer.transport.abort()


# Back-pressure


async def test_sending_waits_for_a_client_that_does_not_read() -> None:
    sent = 0

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal sent
        await receive()
        await send({"type": "websocket.accept"})
        for _ in range(200):
            await send({"type": "websocket.send", "bytes": bytes(BIG)})
            sent += 1

    async with (
        serving(app) as served,
        trunkline.connect(served.uri(), max_queue=1, compression=None) as ws,
    ):
        await until(lambda: sent)
        before = -1
        while before != sent:
            before = sent
            await asyncio.sleep(0.05)
        assert sent < 200
        for _ in range(200):
            assert len(await ws.recv()) == BIG


async def test_reading_waits_for_an_application_that_does_not() -> None:
    go = asyncio.Event()
    received = 0

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal received
        await receive()
        await send({"type": "websocket.accept"})
        await go.wait()
        while (await receive())["type"] == "websocket.receive":
            received += 1

    async with serving(app, ws_max_queue=2) as served:
        async with trunkline.connect(served.uri(), compression=None) as ws:
            sent = 0
            while ws.buffered_amount < BIG:
                ws.send_soon(bytes(BIG))
                sent += 1
                await asyncio.sleep(0)
            go.set()
            await ws.close()
        await until(lambda: received == sent)


# Shutting down


@pytest.mark.parametrize("http", HTTP)
async def test_at_shutdown_clients_are_asked_to_come_back(http: str) -> None:
    recorded = Recorded()
    async with serving(recorded.wrap(echo), http=http) as served:
        ws = await trunkline.connect(served.uri())
        await asyncio.gather(served.stop(), ws.wait_closed())
        assert ws.close_code == 1012
        assert recorded.told[-1]["code"] == 1012
        assert served.state.connections == served.state.tasks == set()


async def test_at_shutdown_who_waits_to_be_let_in_is_told_503() -> None:
    recorded = Recorded()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await receive()
        await send({"type": "websocket.accept"})

    async with serving(recorded.wrap(app)) as served:
        opening = asyncio.create_task(served.ask(*OPENING))
        await until(lambda: recorded.told)
        await served.stop()
        assert (await opening).startswith(b"HTTP/1.1 503 ")
        assert recorded.told[-1]["code"] == 1006


async def test_an_application_that_never_ends_is_cancelled(escapes: Escapes) -> None:
    cancelled = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with serving(app, timeout_graceful_shutdown=1) as served:
        ws = await trunkline.connect(served.uri())
        await served.stop()
        async with asyncio.timeout(HANG):
            await cancelled.wait()
        await ws.wait_closed()
        await until(lambda: not (served.state.connections or served.state.tasks))
    assert escapes.take() == ["Cancel 1 running task(s), timeout graceful shutdown exceeded"]


async def test_a_client_that_leaves_before_it_is_let_in_is_forgotten() -> None:
    recorded = Recorded()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await receive()
        with pytest.raises(OSError, match="gone"):
            await send({"type": "websocket.accept"})

    async with serving(recorded.wrap(app)) as served:
        _, writer = await served.raw(*OPENING)
        await until(lambda: recorded.told)
        writer.close()
        await recorded.until_ended()
        assert recorded.told[-1] == {"type": "websocket.disconnect", "code": 1006, "reason": ""}
        await until(lambda: not served.state.connections)


# The protocol by itself


class Bare:
    """A transport of which a test sees what becomes of it."""

    def __init__(self) -> None:
        self.was_aborted = False

    def pause_reading(self) -> None:
        """Nothing comes."""

    def is_closing(self) -> bool:
        return self.was_aborted

    def abort(self) -> None:
        self.was_aborted = True

    def get_extra_info(self, name: str) -> Any:
        return None


def bare_protocol() -> tuple[WebSocketProtocol, Any, ServerState]:
    """Make a protocol with a transport that is none; its configuration is not loaded yet."""
    state, transport = ServerState(), Bare()
    config = uvicorn.Config(echo, log_config=None)
    protocol = WebSocketProtocol(config, state, {})
    protocol.connection_made(transport)  # type: ignore[arg-type]
    assert config.loaded
    assert state.connections == {protocol}
    return protocol, transport, state


async def test_a_shutdown_in_between_ends_what_has_not_begun() -> None:
    protocol, transport, state = bare_protocol()
    protocol.data_received(b"")
    protocol.shutdown()
    assert transport.was_aborted
    await asyncio.sleep(0)
    protocol.connection_lost(None)
    assert state.connections == set()


async def test_what_cannot_be_taken_over_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    protocol, transport, state = bare_protocol()

    def adopt(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(type(current_engine()), "adopt", adopt)
    with pytest.raises(MemoryError):
        protocol._take_over(b"")
    assert transport.was_aborted
    assert state.connections == set()


async def test_one_server_has_one_object_of_limits() -> None:
    assert make_limits(1, 2, None, 3.0) is make_limits(1, 2, None, 3.0)
    assert make_limits(1, 2, None, 3.0).max_size == 1


async def test_nothing_is_formatted_that_is_not_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    try:
        async with serving(echo) as served, trunkline.connect(served.uri()) as ws:
            await ws.send("x")
            assert await ws.recv() == "x"
    finally:
        logging.getLogger("uvicorn.error").setLevel(logging.NOTSET)
