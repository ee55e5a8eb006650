"""uvicorn, an ASGI application on its websockets-sansio protocol."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
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


def main(setting: Setting) -> None:
    listener = socket.create_server((HOST, 0), backlog=BACKLOG)
    config = uvicorn.Config(
        application,
        loop=setting.loop,
        ws="websockets-sansio",
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=setting.is_compressed,
        ssl_certfile=setting.certificate,
        lifespan="off",
        log_level="critical",
    )
    ready(listener.getsockname()[1], "uvicorn")
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(parse_setting())
