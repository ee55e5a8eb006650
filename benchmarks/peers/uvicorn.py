"""uvicorn, with a WebSocket protocol (`--ws`) and an application of the user's choice.

`--handler asgi` is a plain ASGI application, `--handler fastapi` a route of FastAPI.
"""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any

import uvicorn

from benchmarks.peers.setting import (
    BACKLOG,
    HOST,
    MAX_MESSAGE_BYTES,
    PUBLISHER,
    SUBSCRIBER,
    Setting,
    parse_setting,
    ready,
)

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]
subscribers: set[Send] = set()

PROTOCOLS = {"trunkline": "trunkline.integrations.uvicorn:WebSocketProtocol"}
"""Those that uvicorn does not know by name."""


# The plain way


def to_send(event: dict[str, Any]) -> dict[str, Any]:
    return {"type": "websocket.send", "text": event.get("text"), "bytes": event.get("bytes")}


async def publish(event: dict[str, Any]) -> None:
    for subscriber in subscribers:
        await subscriber(to_send(event))


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    if scope["path"] == SUBSCRIBER:
        subscribers.add(send)
    while (event := await receive())["type"] == "websocket.receive":
        if scope["path"] == PUBLISHER:
            await publish(event)
        else:
            await send(to_send(event))
    subscribers.discard(send)


# FastAPI's way


def fastapi_application() -> Any:
    from fastapi import FastAPI, WebSocket, WebSocketDisconnect

    app = FastAPI()

    async def echo(websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            while True:
                data = await websocket.receive_bytes()
                await websocket.send_bytes(data)
        except WebSocketDisconnect:
            pass

    echo.__annotations__["websocket"] = WebSocket
    app.websocket("/{path:path}")(echo)
    return app


def main(setting: Setting) -> None:
    listener = socket.create_server((HOST, 0), backlog=BACKLOG)
    config = uvicorn.Config(
        fastapi_application() if setting.handler == "fastapi" else application,
        loop=setting.loop,
        ws=PROTOCOLS.get(setting.ws, setting.ws),
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=setting.is_compressed,
        ssl_certfile=setting.certificate,
        lifespan="off",
        log_level="critical",
    )
    ready(listener.getsockname()[1], "uvicorn", f"({setting.ws}{version_of(setting.ws)})")
    uvicorn.Server(config).run(sockets=[listener])


def version_of(protocol: str) -> str:
    """Give the version of what a protocol is made of."""
    return " " + version(protocol.removesuffix("-sansio"))


if __name__ == "__main__":
    main(parse_setting())
