"""Handlers of Trunkline, mounted in other applications on real servers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount

import trunkline
from tests.contracts.escapes import Escapes
from tests.integrations.serving import HANG, OURS, Served, serving
from trunkline import ConnectionClosedError, RequestRefused, ServerConnection, UsageError
from trunkline.integrations.asgi import Answer, as_asgi
from trunkline.integrations.interface import Message, Scope

WHAT_TO_DO = b"connect with a WebSocket client\n"
PROTOCOLS = [OURS, "websockets-sansio", "wsproto"]


async def echo(ws: ServerConnection) -> None:
    async for message in ws:
        await ws.send(message)


def mounted(handler: Any, **options: Any) -> FastAPI:
    app = FastAPI()
    app.mount("/live", as_asgi(handler, **options))
    return app


async def refused(served: Served, path: str = "/live/", **options: Any) -> tuple[int, bytes]:
    with pytest.raises(trunkline.InvalidStatus) as caught:
        await trunkline.connect(served.uri(path), **options)
    return caught.value.response.status_code, caught.value.response.body


# Handlers


@pytest.mark.parametrize("ws", PROTOCOLS)
async def test_a_coroutine_function_has_a_connection_as_everywhere(ws: str) -> None:
    seen: list[Any] = []

    async def handler(connection: ServerConnection) -> None:
        assert connection.request is not None
        seen.append((connection.request.path, connection.subprotocol, connection.state))
        seen.append((connection.remote_address, connection.get_extra_info("scope")["root_path"]))
        await echo(connection)
        seen.append((connection.close_code, connection.close_reason))

    app = mounted(handler, subprotocols=["chat"])
    async with serving(app, ws=ws) as served:
        uri = served.uri("/live/a%20b?c=d")
        async with trunkline.connect(uri, subprotocols=["x", "chat"]) as client:
            assert client.subprotocol == "chat"
            for message in ("text", b"binary", "x" * 100_000):
                await client.send(message)
                assert await client.recv() == message
            address = client.local_address
            await client.close(1001, "words")
    assert seen == [
        ("/a%20b?c=d", "chat", trunkline.State.OPEN),
        (address, "/live"),
        (1001, "words"),
    ]


async def test_events_of_every_kind_are_handlers() -> None:
    class Echo(trunkline.Events):
        def on_message(self, ws: trunkline.Connection, data: str | bytes) -> None:
            ws.send_soon(data)

    def of_request(request: trunkline.Request) -> trunkline.Events:
        assert request.path == "/"
        return Echo()

    for handler in (Echo, Echo(), of_request):
        async with (
            serving(mounted(handler)) as served,
            trunkline.connect(served.uri("/live/")) as client,
        ):
            await client.send("x")
            assert await client.recv() == "x"


async def test_a_topic_reaches_who_came_over_asgi() -> None:
    topic = trunkline.Topic()

    class Chat(trunkline.Events):
        def on_open(self, ws: trunkline.Connection) -> None:
            topic.subscribe(ws)

        def on_message(self, ws: trunkline.Connection, data: str | bytes) -> None:
            topic.publish(data)

    async with (
        serving(mounted(Chat())) as served,
        trunkline.connect(served.uri("/live/")) as one,
        trunkline.connect(served.uri("/live/")) as other,
    ):
        while len(topic) < 2:
            await asyncio.sleep(0)
        await one.send("to all")
        assert await one.recv() == await other.recv() == "to all"


async def test_pings_are_the_servers() -> None:
    async def handler(ws: ServerConnection) -> None:
        for call in (ws.ping, ws.pong):
            with pytest.raises(UsageError, match="ASGI has no pings: let the server send them"):
                await call()
        await ws.send("none")

    async with serving(mounted(handler)) as served:
        async with trunkline.connect(served.uri("/live/")) as client:
            assert await client.recv() == "none"
            await client.wait_closed()
        assert client.close_code == 1000


async def test_a_handler_that_raises_closes_with_1011(escapes: Escapes) -> None:
    async def handler(ws: ServerConnection) -> None:
        raise LookupError("a mistake")

    async with serving(mounted(handler)) as served:
        client = await trunkline.connect(served.uri("/live/"))
        await client.wait_closed()
        assert client.close_code == 1011
    assert [type(error) for error in escapes.take()] == [LookupError]


async def test_limits_hold_below_those_of_the_server() -> None:
    async with serving(mounted(echo, max_size=10)) as served:
        client = await trunkline.connect(served.uri("/live/"))
        await client.send("x" * 11)
        with pytest.raises(ConnectionClosedError, match="message is 11 bytes, limit 10"):
            await client.recv()


@pytest.mark.parametrize("ws", PROTOCOLS)
async def test_at_shutdown_the_handler_hears_of_it(ws: str) -> None:
    ended: list[Any] = []

    async def handler(connection: ServerConnection) -> None:
        try:
            await connection.recv()
        except ConnectionClosedError as error:
            ended.append(error.code)

    async with serving(mounted(handler), ws=ws) as served:
        client = await trunkline.connect(served.uri("/live/"))
        await asyncio.gather(served.stop(), client.wait_closed())
        assert client.close_code == 1012
    assert ended == [1012]


# Who may connect


@pytest.mark.parametrize("ws", PROTOCOLS)
async def test_a_page_of_another_site_is_refused(ws: str, escapes: Escapes) -> None:
    async with serving(mounted(echo), ws=ws) as served:
        status, body = await refused(served, origin="http://evil.example")
        assert (status, body) == (403, b"this Origin may not connect\n")
        own = f"http://127.0.0.1:{served.port}"
        async with trunkline.connect(served.uri("/live/"), origin=own):
            pass
    # One of the protocols complains of a handshake that was completed in this way.
    assert len(escapes.take()) == (ws == "websockets-sansio")


async def test_other_origins_can_be_allowed() -> None:
    async with serving(mounted(echo, origins=["https://good.example"])) as served:
        async with trunkline.connect(served.uri("/live/"), origin="https://good.example"):
            pass
        assert (await refused(served))[0] == 403


async def test_a_function_may_choose_the_subprotocol() -> None:
    def last(connection: ServerConnection, offered: Sequence[str]) -> str | None:
        return offered[-1] if offered else None

    async with serving(mounted(echo, select_subprotocol=last)) as served:
        async with trunkline.connect(served.uri("/live/"), subprotocols=["a", "b"]) as client:
            assert client.subprotocol == "b"
        async with trunkline.connect(served.uri("/live/")) as client:
            assert client.subprotocol is None


async def test_a_subprotocol_that_was_not_offered_is_a_mistake(escapes: Escapes) -> None:
    app = mounted(echo, select_subprotocol=lambda connection, offered: "own")
    async with serving(app) as served:
        assert (await refused(served))[0] == 500
    assert "'own' was not offered" in str(escapes.take()[0])


class Doors:
    """Decides by the path: an `Entry`, as an application with routes is one."""

    async def answer(self, connection: ServerConnection, request: trunkline.Request) -> Answer:
        await asyncio.sleep(0)
        if request.path != "/open":
            raise RequestRefused(404, "no such door", {"X-Doors": "1"})
        return echo, None


async def test_an_application_decides_by_itself() -> None:
    app = Starlette(routes=[Mount("/live", as_asgi(Doors()))])
    async with serving(app) as served:
        assert await refused(served, "/live/closed") == (404, b"no such door\n")
        async with trunkline.connect(served.uri("/live/open"), origin="http://x.example") as client:
            await client.send("x")
            assert await client.recv() == "x"


@pytest.mark.parametrize(
    ("handler", "options", "error"),
    [
        (str, {}, TypeError),
        (echo, {"origins": "https://example.com"}, TypeError),
        (echo, {"origins": ["example.com"]}, ValueError),
        (echo, {"subprotocols": ["a b"]}, ValueError),
        (echo, {"max_size": -1}, ValueError),
        (echo, {"nonsense": 1}, TypeError),
    ],
)
def test_what_cannot_be_meant_is_refused_at_once(
    handler: Any, options: Any, error: type[Exception]
) -> None:
    with pytest.raises(error):
        as_asgi(handler, **options)


@pytest.mark.parametrize(
    "option", [{"origins": ["https://a.com"]}, {"max_size": 1}, {"limits": trunkline.Limits()}]
)
def test_an_application_says_by_itself_what_a_handler_is_told(option: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="an App says all of that itself"):
        as_asgi(trunkline.App(), **option)


# Without a server


class Told:
    """A server that says what a test says, and keeps what is sent."""

    def __init__(self, *messages: Message) -> None:
        self.messages = list(messages)
        self.sent: list[Message] = []
        self.asked = asyncio.Event()

    async def receive(self) -> Message:
        if not self.messages:
            self.asked.set()
            await asyncio.Event().wait()
        return self.messages.pop(0)

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    async def call(self, app: Any, scope: Scope) -> list[Message]:
        await app(scope, self.receive, self.send)
        return self.sent


async def test_a_request_that_asks_for_no_websocket_is_told_so() -> None:
    async with serving(mounted(echo)) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(b"GET /live/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 426 ")
    assert b"upgrade: websocket\r\n" in answer
    assert answer.endswith(
        b"\r\n\r\nthis is a WebSocket endpoint: connect with a WebSocket client\n"
    )


async def test_over_http_2_there_is_nothing_to_upgrade() -> None:
    start, _ = await Told().call(as_asgi(echo), {"type": "http", "http_version": "2"})
    assert start["status"] == 426
    assert {name for name, _ in start["headers"]} == {b"content-type", b"content-length"}


async def test_it_lives_with_a_server() -> None:
    told = Told({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
    assert await told.call(as_asgi(echo), {"type": "lifespan"}) == [
        {"type": "lifespan.startup.complete"},
        {"type": "lifespan.shutdown.complete"},
    ]


async def test_an_unknown_scope_is_said_to_be_one() -> None:
    with pytest.raises(ValueError, match="ASGI scope 'telepathy' is not known here"):
        await Told().call(as_asgi(echo), {"type": "telepathy"})


def websocket_scope(**more: Any) -> Scope:
    return {"type": "websocket", "path": "/", "headers": [], **more}


async def test_who_left_before_is_not_answered() -> None:
    told = Told({"type": "websocket.disconnect", "code": 1006})
    assert await told.call(as_asgi(echo), websocket_scope()) == []


@pytest.mark.parametrize("extensions", [{}, {"extensions": None}, {"extensions": {"other": {}}}])
async def test_a_server_that_sends_no_status_is_told_to_close(extensions: Any) -> None:
    told = Told({"type": "websocket.connect"})
    scope = websocket_scope(**extensions)
    app = as_asgi(Doors())
    assert await told.call(app, {**scope, "path": "/closed"}) == [
        {"type": "websocket.close", "code": 1008, "reason": "no such door"}
    ]


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ([(b"host", b"x"), (b"origin", b"http://x"), (b"origin", b"http://y")], "2 Origin headers"),
        ([(b"origin", b"http://x")], "0 Host headers"),
    ],
)
async def test_who_is_asking_whom_is_said_once(headers: Any, words: str) -> None:
    told = Told({"type": "websocket.connect"})
    scope = websocket_scope(headers=headers, extensions={"websocket.http.response": {}})
    start, body = await told.call(as_asgi(echo), scope)
    assert start["status"] == 400
    assert body["body"] == f"request has {words}, not one\n".encode()


async def test_who_is_cancelled_cancels_the_handler() -> None:
    cancelled = asyncio.Event()

    async def handler(ws: ServerConnection) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    told = Told({"type": "websocket.connect"})
    calling = asyncio.ensure_future(told.call(as_asgi(handler), websocket_scope()))
    async with asyncio.timeout(HANG):
        await told.asked.wait()
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
    assert cancelled.is_set()
    assert told.sent == [{"type": "websocket.accept", "subprotocol": None, "headers": []}]


async def test_an_application_comes_with_its_routes() -> None:
    app = trunkline.App()
    app.add_websocket("/rooms", echo)
    async with (
        serving(mounted(app)) as served,
        trunkline.connect(served.uri("/live/rooms")) as client,
    ):
        await client.send("hello")
        assert await client.recv() == "hello"
