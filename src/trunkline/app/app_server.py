"""The server of an application: begins with its lifespan, ends with a drain."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Generator, Sequence
from contextlib import AsyncExitStack
from enum import Enum
from typing import TYPE_CHECKING, Any, Self

from trunkline.app.connection import AppConnection
from trunkline.app.service import Service
from trunkline.close_codes import CloseCode
from trunkline.limits import CUT_GRACE, DRAIN_BATCH_SECONDS, Drain
from trunkline.protocol.retry_hint import encode_hint
from trunkline.server.serve import Server

if TYPE_CHECKING:
    from trunkline.app.app import App


class Succession(Enum):
    """Who takes the newcomers of a server that drains."""

    SHARED = "others listen at the same address, and take them"
    NONE = "nobody, so that they are told when to come back"


class AppServer:
    """A listening application; `App.serve()` makes it.

    `async with` starts it and drains it at the end; `await` starts it.

    Args:
        app: has the lifespan.
        server: listens.
        service: knows who is there.
        drain: how its connections are asked to leave.
        succession: who takes newcomers meanwhile.
    """

    def __init__(
        self,
        app: App,
        server: Server,
        service: Service,
        drain: Drain,
        succession: Succession = Succession.NONE,
    ) -> None:
        self._app = app
        self._server = server
        self._service = service
        self._drain = drain
        self._succession = succession
        self._lifespan = AsyncExitStack()
        self._is_draining = False
        self._has_been_cut = asyncio.Event()

    # Starting

    def __await__(self) -> Generator[Any, None, Self]:
        return self.start().__await__()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def bind(self) -> None:
        """Take the address, without accepting anybody yet; raise `OSError` where it is taken."""
        await self._server.bind()

    async def start(self) -> Self:
        """Listen, begin the lifespan, and accept.

        Raises:
            OSError: the address cannot be had; the lifespan has not begun then.
        """
        await self.bind()
        try:
            self._lifespan = await self._app.lifecycle.start(self._app)
            await self._server.start_serving()
        except BaseException:
            self._server.close()
            await self._server.wait_closed()
            await self._lifespan.aclose()
            raise
        self._service.begin()
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

    async def drain(self, *, readiness_delay: float | None = None) -> None:
        """Ask everybody to leave, a few at a time, and end; whoever stays is cut off.

        First `/ready` says no, so that a load balancer sends nobody else. Then no WebSocket is let
        in any more: who asks is answered 503 with Retry-After, or taken by another process that
        listens at the same address. The connections are closed with 1012 over the time of the
        drain, each with a hint when to come back: not all at once.

        Args:
            readiness_delay: seconds, instead of those of the drain.
        """
        if self._is_draining:
            await self.wait_closed()
            return
        self._is_draining = True
        self._service.is_ready = False
        delay = self._drain.readiness_delay if readiness_delay is None else readiness_delay
        try:
            await self._is_cut_within(delay)
            self._turn_newcomers_away()
            await self._release()
            self._server.close(close_connections=False)
            await self._part()
        except asyncio.CancelledError:
            self.cut()
            raise
        await self.wait_closed()

    def _turn_newcomers_away(self) -> None:
        if self._succession is Succession.SHARED:
            self._server.stop_accepting()
        else:
            self._service.is_leaving = True

    async def _release(self) -> None:
        """Close all connections, spread evenly, in an order that nobody knows."""
        leaving = list(self.connections)
        random.shuffle(leaving)
        rounds = max(1, round(self._drain.window / DRAIN_BATCH_SECONDS))
        size = -(-len(leaving) // rounds)
        while leaving:
            self._ask_to_leave(leaving[:size])
            del leaving[:size]
            if leaving and await self._is_cut_within(DRAIN_BATCH_SECONDS):
                return
        # Who was on the way in when it began.
        self._ask_to_leave(self.connections)

    def _ask_to_leave(self, connections: Sequence[AppConnection] | set[AppConnection]) -> None:
        for connection in connections:
            connection.close_soon(CloseCode.SERVICE_RESTART, self._hint())

    def _hint(self) -> str:
        """Say when to come back: each client at another time."""
        return encode_hint(random.uniform(0, self._drain.come_back_within))

    async def _part(self) -> None:
        """Wait until everybody has left; cut off who has not, and then not for long."""
        loop = asyncio.get_running_loop()
        cut = loop.create_task(self._has_been_cut.wait())
        closed = loop.create_task(self._server.wait_closed())
        try:
            await asyncio.wait(
                (cut, closed), timeout=self._drain.patience, return_when=asyncio.FIRST_COMPLETED
            )
            if not closed.done():
                self.cut()
                await self._service.leave(CUT_GRACE)
        finally:
            cut.cancel()
            closed.cancel()

    def cut(self) -> None:
        """Let go of everybody at once."""
        self._service.is_ready = False
        self._has_been_cut.set()
        self._server.close(close_connections=False)
        self._service.cut()

    async def _is_cut_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._has_been_cut.wait()
        except TimeoutError:
            return False
        return True

    async def wait_closed(self) -> None:
        """Wait until everybody has left and the lifespan has ended."""
        await self._server.wait_closed()
        self._service.end()
        await self._lifespan.aclose()

    async def serve_forever(self) -> None:
        """Serve until this is cancelled, which drains."""
        try:
            await self._server.wait_closed()
        finally:
            await self.drain()

    async def __aexit__(self, *exc_info: object) -> None:
        await self.drain()
