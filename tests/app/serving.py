"""An application to be served, and clients for it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.app.premises import echo, port_of
from trunkline import connect
from trunkline.app.app import App
from trunkline.app.app_server import AppServer
from trunkline.limits import Drain

HANG_GUARD = 20.0  # seconds
HASTE = Drain(window=0.0, come_back_within=4.0, patience=HANG_GUARD)
REQUEST = (
    "GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def make_app(**options: Any) -> App:
    """Make an application with one route."""
    app = App(**{"drain": HASTE, **options})
    app.add_websocket("/echo", echo)
    return app


def uri_of(server: AppServer) -> str:
    """Give the address of the route."""
    return f"ws://127.0.0.1:{port_of(server)}/echo"


def listening_socket() -> socket.socket:
    """Bind to a free port."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    return sock


@asynccontextmanager
async def served(app: App, **options: Any) -> AsyncIterator[AppServer]:
    """Serve at a free port; cut at the end whoever is still there."""
    if not options:
        options = {"host": "127.0.0.1", "port": 0}
    async with asyncio.timeout(HANG_GUARD):
        server = await app.serve(**options)
        try:
            yield server
        finally:
            server.cut()
            await server.drain()


@asynccontextmanager
async def half_opened(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, Any]]:
    """Connect, and send the request but for its last line."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(REQUEST[:-2].encode())
        yield reader, writer
    finally:
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)


async def opened(server: AppServer, count: int) -> list[Any]:
    """Open connections that have been answered."""
    found = [await connect(uri_of(server)) for _ in range(count)]
    for ws in found:
        await ws.send("hello")
        await ws.recv()
    return found
