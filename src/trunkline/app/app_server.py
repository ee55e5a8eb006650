"""The server of an application: begins with its lifespan, ends with a drain."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Generator, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Self

from trunkline.app.connection import AppConnection
from trunkline.app.service import Service
from trunkline.close_codes import CloseCode
from trunkline.limits import DRAIN_BATCH_SECONDS, Drain
from trunkline.protocol.retry_hint import encode_hint
from trunkline.server.serve import Server

if TYPE_CHECKING:
    from trunkline.app.app import App


class AppServer:
    """A listening application; `App.serve()` makes it.

    `async with` starts it and drains it at the end; `await` starts it.

    Args:
        app: has the lifespan.
        server: listens.
        service: knows who is there.
        drain: how its connections are asked to leave.
    """

    def __init__(self, app: App, server: Server, service: Service, drain: Drain) -> None:
        self._app = app
        self._server = server
        self._service = service
        self._drain = drain
        self._lifespan = AsyncExitStack()

    # Starting

    def __await__(self) -> Generator[Any, None, Self]:
        return self.start().__await__()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def start(self) -> Self:
        """Begin the lifespan, listen and accept.

        Raises:
            OSError: the address cannot be had; the lifespan has ended then.
        """
        self._lifespan = await self._app.lifecycle.start(self._app)
        try:
            await self._server
        except BaseException:
            await self._lifespan.aclose()
            raise
        self._app.services.append(self._service)
        self._app.announce()
        return self

    # What is known

    @property
    def sockets(self) -> Sequence[socket.socket]:
        """The listening sockets."""
        return self._server.sockets

    @property
    def connections(self) -> set[AppConnection]:
        """The WebSockets that are open or closing."""
        return {ws for ws in self._server.connections if isinstance(ws, AppConnection)}

    @property
    def service(self) -> Service:
        """Who is there, and what they take."""
        return self._service

    def is_serving(self) -> bool:
        """Whether connections are accepted."""
        return self._server.is_serving()

    # Ending

    async def drain(self) -> None:
        """Ask everybody to leave, a few at a time, and end; whoever stays is cut off.

        First `/ready` says no, so that a load balancer sends nobody else; then nobody is accepted
        any more, and the connections are closed with 1012 over the time of the drain, each with a
        hint when to come back: not all at once.
        """
        self._service.is_ready = False
        await asyncio.sleep(self._drain.readiness_delay)
        self._server.close(close_connections=False)
        await self._release()
        try:
            async with asyncio.timeout(self._drain.patience):
                await self._server.wait_closed()
        except TimeoutError:
            self.cut()
        await self.wait_closed()

    async def _release(self) -> None:
        """Close all connections, spread evenly, in an order that nobody knows."""
        leaving = list(self.connections)
        random.shuffle(leaving)
        rounds = max(1, round(self._drain.window / DRAIN_BATCH_SECONDS))
        size = -(-len(leaving) // rounds)
        while leaving:
            for connection in leaving[:size]:
                connection.close_soon(CloseCode.SERVICE_RESTART, self._hint())
            del leaving[:size]
            if leaving:
                await asyncio.sleep(DRAIN_BATCH_SECONDS)

    def _hint(self) -> str:
        """Say when to come back: each client at another time."""
        return encode_hint(random.uniform(0, self._drain.come_back_within))

    def cut(self) -> None:
        """Let go of everybody at once."""
        self._service.is_ready = False
        self._server.close(close_connections=False)
        self._service.cut()

    async def wait_closed(self) -> None:
        """Wait until everybody has left and the lifespan has ended."""
        await self._server.wait_closed()
        if self._service in self._app.services:
            self._app.services.remove(self._service)
        await self._lifespan.aclose()

    async def serve_forever(self) -> None:
        """Serve until this is cancelled, which drains."""
        try:
            await self._server.wait_closed()
        finally:
            await self.drain()

    async def __aexit__(self, *exc_info: object) -> None:
        await self.drain()
