"""The WebSocket examples of FastAPI's documentation, as they stand there, on our protocol."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import pytest
from fastapi import (
    Cookie,
    Depends,
    FastAPI,
    Query,
    WebSocket,
    WebSocketDisconnect,
    WebSocketException,
    status,
)
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.endpoints import WebSocketEndpoint
from starlette.routing import WebSocketRoute

import trunkline
from tests.contracts.escapes import Escapes
from tests.integrations.serving import OURS, serving

PROTOCOLS = [OURS, "websockets-sansio"]
pytestmark = pytest.mark.parametrize("ws", PROTOCOLS)


# https://fastapi.tiangolo.com/advanced/websockets/: create a websocket


def tutorial_1() -> FastAPI:
    app = FastAPI()

    @app.websocket("/ws")
    async def websocket_endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        while True:
            data = await websocket.receive_text()
            await websocket.send_text(f"Message text was: {data}")

    return app


async def test_the_first_example(ws: str, escapes: Escapes) -> None:
    async with serving(tutorial_1(), ws=ws) as served:
        async with trunkline.connect(served.uri("/ws")) as client:
            await client.send("hello")
            assert await client.recv() == "Message text was: hello"
        assert client.close_code == 1000
    # A disconnect that nobody catches is no failure with ours.
    assert len(escapes.take()) == (ws != OURS)


# Using Depends and others


async def get_cookie_or_token(
    websocket: WebSocket,
    session: Annotated[str | None, Cookie()] = None,
    token: Annotated[str | None, Query()] = None,
) -> str | None:
    if session is None and token is None:
        raise WebSocketException(code=status.WS_1008_POLICY_VIOLATION)
    return session or token


def tutorial_2() -> FastAPI:
    app = FastAPI()

    @app.websocket("/items/{item_id}/ws")
    async def websocket_endpoint(
        *,
        websocket: WebSocket,
        item_id: str,
        q: int | None = None,
        cookie_or_token: Annotated[str, Depends(get_cookie_or_token)],
    ) -> None:
        await websocket.accept()
        try:
            while True:
                data = await websocket.receive_text()
                await websocket.send_text(
                    f"Session cookie or query token value is: {cookie_or_token}"
                )
                if q is not None:
                    await websocket.send_text(f"Query parameter q is: {q}")
                await websocket.send_text(f"Message text was: {data}, for item ID: {item_id}")
        except WebSocketDisconnect:
            pass

    return app


@pytest.mark.parametrize(
    ("query", "headers", "value"),
    [("?token=some-token&q=3", {}, "some-token"), ("?q=3", {"Cookie": "session=fake"}, "fake")],
)
async def test_dependencies_cookies_and_parameters(
    ws: str, query: str, headers: dict[str, str], value: str
) -> None:
    async with (
        serving(tutorial_2(), ws=ws) as served,
        trunkline.connect(
            served.uri(f"/items/fo%20o/ws{query}"), additional_headers=headers
        ) as client,
    ):
        await client.send("hello")
        assert [await client.recv() for _ in range(3)] == [
            f"Session cookie or query token value is: {value}",
            "Query parameter q is: 3",
            "Message text was: hello, for item ID: fo o",
        ]


@pytest.mark.parametrize("path", ["/items/foo/ws", "/items/foo/ws?token=x&q=no", "/nowhere"])
async def test_what_a_dependency_refuses_is_403(ws: str, path: str) -> None:
    async with serving(tutorial_2(), ws=ws) as served:
        with pytest.raises(trunkline.InvalidStatus) as caught:
            await trunkline.connect(served.uri(path))
        assert caught.value.response.status_code == 403


# Handling disconnections and multiple clients


class ConnectionManager:
    def __init__(self) -> None:
        self.active_connections: list[WebSocket] = []

    async def connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        self.active_connections.append(websocket)

    def disconnect(self, websocket: WebSocket) -> None:
        self.active_connections.remove(websocket)

    async def send_personal_message(self, message: str, websocket: WebSocket) -> None:
        await websocket.send_text(message)

    async def broadcast(self, message: str) -> None:
        for connection in self.active_connections:
            await connection.send_text(message)


def tutorial_3() -> FastAPI:
    app = FastAPI()
    manager = ConnectionManager()

    @app.websocket("/ws/{client_id}")
    async def websocket_endpoint(websocket: WebSocket, client_id: int) -> None:
        await manager.connect(websocket)
        try:
            while True:
                data = await websocket.receive_text()
                await manager.send_personal_message(f"You wrote: {data}", websocket)
                await manager.broadcast(f"Client #{client_id} says: {data}")
        except WebSocketDisconnect:
            manager.disconnect(websocket)
            await manager.broadcast(f"Client #{client_id} left the chat")

    return app


@pytest.mark.parametrize("http", ["h11", "httptools"])
async def test_the_chat(ws: str, http: str) -> None:
    async with serving(tutorial_3(), ws=ws, http=http) as served:
        first = await trunkline.connect(served.uri("/ws/1"))
        second = await trunkline.connect(served.uri("/ws/2"))
        await first.send("hello")
        assert [await first.recv() for _ in range(2)] == [
            "You wrote: hello",
            "Client #1 says: hello",
        ]
        assert await second.recv() == "Client #1 says: hello"
        await first.close()
        assert await second.recv() == "Client #1 left the chat"
        await second.close()


# Starlette: endpoints, JSON, denial responses


class Echo(WebSocketEndpoint):
    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Any) -> None:
        await websocket.send_json({"echo": data})


async def test_starlettes_endpoint_class(ws: str) -> None:
    app = FastAPI(routes=[WebSocketRoute("/json", Echo)])
    async with serving(app, ws=ws) as served, trunkline.connect(served.uri("/json")) as client:
        await client.send('{"a": [1, 2]}')
        assert await client.recv() == '{"echo":{"a":[1,2]}}'


async def test_a_denial_response_of_starlettes(ws: str, escapes: Escapes) -> None:
    app = FastAPI()

    @app.websocket("/denied")
    async def denied(websocket: WebSocket) -> None:
        await websocket.send_denial_response(JSONResponse({"error": "pay first"}, 402))

    async with serving(app, ws=ws) as served:
        with pytest.raises(trunkline.InvalidStatus) as caught:
            await trunkline.connect(served.uri("/denied"))
    response = caught.value.response
    assert (response.status_code, response.body) == (402, b'{"error":"pay first"}')
    assert response.headers["content-type"] == "application/json"
    # Theirs complains of a handshake that was completed in this way.
    assert len(escapes.take()) == (ws != OURS)


async def test_http_requests_are_still_uvicorns(ws: str) -> None:
    app = FastAPI()

    @app.get("/plain")
    async def plain() -> PlainTextResponse:
        return PlainTextResponse("the page")

    async with serving(app, ws=ws) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        # The second one, on the same connection, is an upgrade.
        writer.write(b"GET /plain HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.readuntil(b"the page")).startswith(b"HTTP/1.1 200 OK")
        writer.write(b"GET /plain HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n")
        writer.write(b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n")
        writer.write(b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 403")
        writer.transport.abort()
