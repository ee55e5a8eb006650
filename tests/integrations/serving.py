"""Real servers of uvicorn, in the loop of the test."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn

from trunkline.integrations.interface import Application, Message, Receive, Scope, Send

OURS = "trunkline.integrations.uvicorn:WebSocketProtocol"
HANG = 60.0
"""Seconds after which a test is given up: never reached unless something hangs."""
KEY = "dGhlIHNhbXBsZSBub25jZQ=="


class Server(uvicorn.Server):
    """Sees soon that it is to end: uvicorn looks ten times a second."""

    async def main_loop(self) -> None:
        while not await self.on_tick(0):
            await asyncio.sleep(0.005)


@dataclass
class Served:
    """A server that listens."""

    server: uvicorn.Server
    port: int
    task: asyncio.Task[None]

    def uri(self, path: str = "/") -> str:
        return f"ws://127.0.0.1:{self.port}{path}"

    @property
    def state(self) -> Any:
        return self.server.server_state

    async def stop(self) -> None:
        """Shut the server down, as a signal would."""
        self.server.should_exit = True
        async with asyncio.timeout(HANG):
            await self.task

    async def raw(
        self, *fields: str, path: str = "/", data: bytes = b""
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Send an opening request with further header fields."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        lines = (
            f"GET {path} HTTP/1.1",
            f"Host: 127.0.0.1:{self.port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            *fields,
        )
        writer.write("".join(f"{line}\r\n" for line in (*lines, "")).encode() + data)
        return reader, writer

    async def ask(self, *fields: str, path: str = "/") -> bytes:
        """Send an opening request that is not accepted, and give the whole answer."""
        reader, writer = await self.raw(*fields, path=path)
        async with asyncio.timeout(HANG):
            answer = await reader.read()
        writer.transport.abort()
        return answer


OPENING = (f"Sec-WebSocket-Key: {KEY}", "Sec-WebSocket-Version: 13")


@asynccontextmanager
async def serving(app: Any, ws: str = OURS, **options: Any) -> AsyncIterator[Served]:
    """Serve an application until the end of the block."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    config = uvicorn.Config(app, **{"ws": ws, "log_config": None, "lifespan": "off"} | options)
    server = Server(config)
    served = Served(server, port, asyncio.create_task(server.serve(sockets=[listener])))
    async with asyncio.timeout(HANG):
        while not server.started:
            await asyncio.sleep(0.001)
    try:
        yield served
    finally:
        await served.stop()


@dataclass
class Recorded:
    """A plain application that does what a test says, and remembers what it was told."""

    told: list[Message] = field(default_factory=list)
    scopes: list[Scope] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def wrap(self, application: Application) -> Application:
        """Remember everything that `application` receives."""

        async def recording(scope: Scope, receive: Receive, send: Send) -> None:
            async def hear() -> Message:
                message = await receive()
                self.told.append(dict(message))
                return message

            self.scopes.append(scope)
            try:
                await application(scope, hear, send)
            finally:
                self.ended.set()

        return recording

    async def until_ended(self) -> None:
        async with asyncio.timeout(HANG):
            await self.ended.wait()


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Send back what comes."""
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send"} | {k: v for k, v in message.items() if k != "type"})
