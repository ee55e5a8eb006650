"""An application of ours behind another server: its routes, its policy, its lifespan."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import FastAPI

import trunkline
from tests.integrations.serving import HANG, OURS, Served, serving
from trunkline import App, Events, InvalidStatus, Limits, connect
from trunkline.integrations.asgi_app import AsgiApp, AsgiService, read_body, upgrade_of
from trunkline.integrations.interface import Message

PROTOCOLS = [OURS, "websockets-sansio", "wsproto"]
SCOPE = {"type": "websocket", "path": "/echo", "headers": [(b"host", b"a")]}


class Shout(Events):
    """Answers louder."""

    def on_message(self, ws: Any, data: Any) -> None:
        ws.send_soon(data.upper())


def new_app(**options: Any) -> App:
    app = App(**options)

    @app.websocket("/rooms/{room}", subprotocols=["chat"])
    async def enter(ws: Any, room: str) -> None:
        await ws.send(f"{room} {ws.client_address} {ws.subprotocol}")
        async for message in ws:
            await ws.send(message)

    app.add_websocket("/shout", Shout)

    @app.post("/pages/{name}")
    async def page(request: Any, name: str) -> Any:
        return {"name": name, "body": request.body.decode(), "query": request.query}

    return app


@asynccontextmanager
async def living(app: App, ws: str = OURS, **options: Any) -> AsyncIterator[Served]:
    """Serve an application that is mounted, and whose lifespan is the outer one's."""
    mounted = AsgiApp(app)

    @asynccontextmanager
    async def lifespan(outer: FastAPI) -> AsyncIterator[None]:
        async with mounted.running():
            yield

    outer = FastAPI(lifespan=lifespan)
    outer.mount("/live", mounted)
    async with serving(outer, ws=ws, lifespan="on", **options) as served:
        yield served


async def fetch(served: Served, head: str, body: bytes = b"") -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(f"{head}\r\nHost: a\r\nConnection: close\r\n".encode())
    writer.write(f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
    async with asyncio.timeout(HANG):
        answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize("ws", PROTOCOLS)
async def test_routes_and_their_handlers_are_those_of_the_application(ws: str) -> None:
    async with living(new_app(), ws) as served:
        uri = served.uri("/live/rooms/tea")
        async with connect(uri, subprotocols=["chat"]) as client:
            assert await client.recv() == "tea 127.0.0.1 chat"
            await client.send("hello")
            assert await client.recv() == "hello"
        async with connect(served.uri("/live/shout")) as client:
            await client.send("hello")
            assert await client.recv() == "HELLO"


async def test_the_policy_is_that_of_the_application() -> None:
    async with living(new_app()) as served:
        with pytest.raises(InvalidStatus) as refused:
            await connect(served.uri("/live/rooms/tea"), origin="https://evil.example")
        assert refused.value.response.status_code == 403
        assert refused.value.response.body == b"this Origin may not connect\n"


async def test_pages_are_answered_and_refused() -> None:
    async with living(new_app()) as served:
        answer = await fetch(served, "POST /live/pages/a?b=c HTTP/1.1", b"hello")
        assert answer.endswith(b'{"name": "a", "body": "hello", "query": {"b": "c"}}')
        assert (await fetch(served, "GET /live/nothing HTTP/1.1")).startswith(b"HTTP/1.1 404")
        assert (await fetch(served, "GET /live/ready HTTP/1.1")).startswith(b"HTTP/1.1 200")


async def test_places_are_given_back_and_the_lifespan_ends() -> None:
    app = new_app(limits=Limits(max_connections=1))
    told: list[str] = []
    app.on_start(lambda: told.append("start"))
    app.on_stop(lambda: told.append("stop"))
    async with living(app) as served:
        (service,) = app.services
        for _ in range(3):
            async with connect(served.uri("/live/shout")):
                with pytest.raises(InvalidStatus):
                    await connect(served.uri("/live/shout"))
            async with asyncio.timeout(HANG):
                while len(service.crowd):
                    await asyncio.sleep(0)
        assert told == ["start"]
    assert told == ["start", "stop"]
    assert not app.services


async def test_who_is_there_at_the_end_is_cut(caplog: pytest.LogCaptureFixture) -> None:
    app = new_app()
    mounted = AsgiApp(app)
    outer = FastAPI()
    outer.mount("/live", mounted)
    async with serving(outer) as served:
        async with mounted.running():
            client = await connect(served.uri("/live/rooms/tea"))
            await client.recv()
        await asyncio.wait_for(client.wait_closed(), HANG)
        assert "mounted without a lifespan" not in caplog.text
        # Nobody told it of a beginning: it begins with the first who comes.
        for _ in range(2):
            async with connect(served.uri("/live/shout")):
                assert len(app.services) == 1
    assert caplog.text.count("mounted without a lifespan: on_start, on_stop and") == 1


async def test_alone_it_lives_with_its_server() -> None:
    app = new_app()
    async with serving(AsgiApp(app), lifespan="on") as served:
        async with connect(served.uri("/shout")) as client:
            await client.send("x")
            assert await client.recv() == "X"
        assert len(app.services) == 1
    assert not app.services


async def test_another_scope_is_none() -> None:
    with pytest.raises(ValueError, match="'teapot' is not known here"):
        await AsgiApp(new_app())({"type": "teapot"}, says(), nowhere)


async def test_who_is_gone_before_a_word_is_not_served() -> None:
    app = new_app()
    await AsgiApp(app)(SCOPE, says({"type": "websocket.disconnect"}), nowhere)
    assert not app.services


# Places and rights of who is not inside yet


class Door:
    """Somebody in front of a route of a mounted application, whose accept may wait or fail."""

    def __init__(self, app: App, error: Exception | None = None) -> None:
        self.said: list[Message] = []
        self.reached = asyncio.Event()
        self.may_go_on = asyncio.Event()
        self._error = error
        self._asked = iter([{"type": "websocket.connect"}])
        self.task = asyncio.create_task(AsgiApp(app)(SCOPE, self._receive, self._send))

    async def _receive(self) -> Message:
        for message in self._asked:
            return message
        await asyncio.Event().wait()
        raise AssertionError

    async def _send(self, message: Message) -> None:
        self.reached.set()
        if self._error is not None:
            raise self._error
        await self.may_go_on.wait()
        self.said.append(message)


def waiting_app() -> App:
    app = App(auth=lambda request: "ann")

    @app.websocket("/echo")
    async def wait(ws: Any) -> None:
        await ws.wait_closed()

    return app


def places(app: App) -> tuple[int, int]:
    (service,) = app.services
    return len(service.crowd), len(service.crowd.users)


async def test_a_client_that_leaves_before_it_is_accepted_leaves_no_place_behind() -> None:
    app = waiting_app()
    async with asyncio.timeout(HANG):
        await Door(app, OSError("the client has gone")).task
    assert places(app) == (0, 0)


async def test_a_server_that_gives_up_while_it_accepts_leaves_no_place_behind() -> None:
    app = waiting_app()
    async with asyncio.timeout(HANG):
        door = Door(app)
        await door.reached.wait()
        assert places(app) == (1, 1)
        door.task.cancel()
        await asyncio.wait([door.task])
    assert places(app) == (0, 0)


async def test_a_server_that_gives_up_while_somebody_is_asked_leaves_no_place_behind() -> None:
    asked = asyncio.Event()

    async def never(request: Any) -> str:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    app = new_app()
    app.websocket("/echo", auth=never)(lambda ws: None)
    async with asyncio.timeout(HANG):
        door = Door(app)
        await asked.wait()
        assert places(app) == (1, 0)
        door.task.cancel()
        await asyncio.wait([door.task])
    assert places(app) == (0, 0)


async def test_who_is_disconnected_while_accepted_is_closed() -> None:
    app = waiting_app()
    async with asyncio.timeout(HANG):
        door = Door(app)
        await door.reached.wait()
        assert app.disconnect("ann") == 1
        door.may_go_on.set()
        while len(door.said) < 2:
            await asyncio.sleep(0)
        door.task.cancel()
        await asyncio.wait([door.task])
    accepted, closed = door.said
    assert (accepted["type"], closed["type"]) == ("websocket.accept", "websocket.close")
    assert closed["code"] == 3503


async def test_a_decision_that_takes_too_long_is_a_refusal() -> None:
    async def never(request: Any) -> str:
        await asyncio.Event().wait()
        raise AssertionError

    app = new_app(limits=Limits(open_timeout=0.01))
    app.websocket("/slow", auth=never)(lambda ws: None)
    app.get("/slow", auth=never)(lambda request: "")
    async with living(app) as served:
        with pytest.raises(InvalidStatus) as refused:
            await connect(served.uri("/live/slow"))
        assert refused.value.response.status_code == 503
        assert refused.value.response.body == b"not decided within 0.01 s\n"
        answer = await fetch(served, "GET /live/slow HTTP/1.1")
        assert answer.startswith(b"HTTP/1.1 503")


async def nowhere(message: Message) -> None:
    raise AssertionError(message)


def says(*messages: Message) -> Any:
    """Give what a server would say."""
    waiting = list(messages)

    async def receive() -> Message:
        return waiting.pop(0)

    return receive


async def test_compression_and_pings_are_the_servers() -> None:
    service = AsgiService(new_app())
    assert service.policy.deflate is None
    assert service.setting.limits.ping_interval is None


def test_what_a_server_keeps_to_itself_is_put_back() -> None:
    request = upgrade_of(dict(SCOPE))
    assert request.headers["Upgrade"] == "websocket"
    kept = upgrade_of(SCOPE | {"headers": [*SCOPE["headers"], (b"sec-websocket-key", b"k")]})  # type: ignore[operator,misc]
    assert kept.headers["Sec-WebSocket-Key"] == "k"


async def test_no_more_of_a_body_is_taken_than_was_told() -> None:
    pieces = says(
        {"type": "http.request", "body": b"a", "more_body": True},
        {"type": "http.request", "body": b"b"},
    )
    assert await read_body(pieces, 2) == b"ab"
    with pytest.raises(trunkline.RequestRefused, match="413"):
        await read_body(says({"type": "http.request", "body": b"abc"}), 2)
    with pytest.raises(trunkline.RequestRefused, match="the client has gone"):
        await read_body(says({"type": "http.disconnect"}), 2)
