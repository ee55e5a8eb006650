"""Who is there: everything that must have ended before a server has."""

from __future__ import annotations

import asyncio
import logging
from contextvars import copy_context
from typing import Protocol

from trunkline.connection.waiters import Waiters
from trunkline.errors import RequestRefused
from trunkline.server.connection import ServerConnection
from trunkline.server.roll import Roll

logger = logging.getLogger("trunkline.server")


class Guest(Protocol):
    """A stream that is being opened, and the task that goes on as its handler."""

    task: asyncio.Task[None] | None

    def refuse(self, refused: RequestRefused) -> None:
        """Answer with a status and one line, unless there was an answer."""

    def cut(self) -> None:
        """Let go of the stream, and cancel the task."""


class Watch:
    """The openings, handlers and connections of one server."""

    def __init__(self) -> None:
        self.openings: set[Guest] = set()
        self.connections: Roll | set[ServerConnection] = set()
        self.when_lost = self.lost
        """One bound method for all connections."""
        self.context = copy_context()
        """One for all that is called at the end of a task."""
        self.is_closed = False
        self._departures = Waiters()
        self._closed = Waiters()

    def opened(self, connection: ServerConnection) -> None:
        """Take note of a connection."""
        self.connections.add(connection)

    def lost(self, connection: ServerConnection) -> None:
        """Take note of the end of a connection."""
        self.connections.discard(connection)
        self._departures.wake()

    def finished(self, opening: Guest) -> None:
        """Take note of the end of an opening, and of the handler that came of it."""
        self.openings.discard(opening)
        self._departures.wake()

    async def leave(self, patience: float | None) -> None:
        """Wait until everybody has left; after `patience` seconds, cut and cancel who has not."""
        try:
            if not await self._is_empty_within(patience):
                self.cut()
                if not await self._is_empty_within(patience):
                    logger.error("handlers that ignore their cancellation: %d", len(self.openings))
        except asyncio.CancelledError:
            self.cut()
            raise
        finally:
            self.is_closed = True
            self._closed.wake()

    def cut(self) -> None:
        """Let go of everybody, and cancel every handler."""
        for connection in tuple(self.connections):
            connection.abort()
        for opening in self.openings.copy():
            opening.cut()

    async def wait_closed(self) -> None:
        """Wait until `leave()` is done."""
        while not self.is_closed:
            await self._closed.wait()

    async def _is_empty_within(self, patience: float | None) -> bool:
        emptying = asyncio.ensure_future(self._emptied())
        try:
            done, _ = await asyncio.wait((emptying,), timeout=patience)
        finally:
            emptying.cancel()
        return bool(done)

    async def _emptied(self) -> None:
        while self.openings or self.connections:
            await self._departures.wait()
