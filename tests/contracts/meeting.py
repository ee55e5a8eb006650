"""A server with a handler, and clients of it: connections as users hold them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from trunkline import ClientConnection, Connection, ServerConnection, connect, serve

HANG = 120.0
"""Seconds after which a test is given up: never reached unless something hangs."""
HOST = "127.0.0.1"

Handler = Callable[[ServerConnection], Awaitable[None]]


class Meeting:
    """Clients of one server; each test closes what it opens, or leaves that to the meeting."""

    def __init__(self, port: int, stack: AsyncExitStack) -> None:
        self._uri = f"ws://{HOST}:{port}"
        self._stack = stack

    async def join(self, path: str = "", **options: Any) -> ClientConnection:
        """Connect."""
        ws = await connect(self._uri + path, proxy=None, **options)
        self._stack.callback(ws.abort)
        return ws


@asynccontextmanager
async def meet(handler: Any, **options: Any) -> AsyncIterator[Meeting]:
    """Serve with a handler, and cut everybody off at the end."""
    async with (
        asyncio.timeout(HANG),
        serve(handler, HOST, 0, **options) as server,
        AsyncExitStack() as stack,
    ):
        yield Meeting(server.sockets[0].getsockname()[1], stack)


class Guests:
    """A handler whose connections a test holds itself, until it lets them go."""

    def __init__(self) -> None:
        self._arrived: asyncio.Queue[ServerConnection] = asyncio.Queue()

    async def __call__(self, ws: ServerConnection) -> None:
        self._arrived.put_nowait(ws)
        await ws.wait_closed()

    async def next(self) -> ServerConnection:
        """Wait for the next connection."""
        return await self._arrived.get()


@asynccontextmanager
async def pair(**options: Any) -> AsyncIterator[tuple[ClientConnection, ServerConnection]]:
    """Give both ends of a connection."""
    guests = Guests()
    async with meet(guests, **options) as meeting:
        client = await meeting.join(**options)
        yield client, await guests.next()


async def until_delivered(sender: Connection, receiver: Connection) -> None:
    """Wait until everything that was sent so far has been dealt with at the other side."""
    del receiver
    await sender.ping()


async def echo(ws: Connection) -> None:
    """Send everything back."""
    async for message in ws:
        await ws.send(message)
