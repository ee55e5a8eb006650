"""Handlers of both kinds that write down everything, behind a first message that is a token."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.app.judge import Judge
from tests.app.premises import Witness, caller, new_app, opening, serving, texts
from tests.auth.clock import Clock
from tests.server.wire import HANG_SECONDS, client_endpoint
from trunkline import Close, ConnectionClosed, Events
from trunkline.app.app_server import AppServer
from trunkline.protocol.events import Text

KINDS = ["coroutine", "events"]


class Room:
    """An application with one route, `/`, whose handler tells what it sees.

    Args:
        kind: of the handler.
        options: of the route.
    """

    def __init__(self, kind: str, **options: Any) -> None:
        self.judge = Judge()
        self.clock = Clock()
        self.told: list[Any] = []
        self.ws: Any = None
        self._changed = asyncio.Event()
        self.app = new_app(auth=self.judge, **options.pop("app", {}))
        self.witness = Witness(self.app)
        handler: Any = self._converse if kind == "coroutine" else self._events
        self.app.websocket("/", **options)(handler)
        self.server: AppServer

    def tell(self, what: Any) -> None:
        self.told.append(what)
        self._changed.set()

    async def tells(self, what: Any) -> None:
        """Wait until the handler has told something."""
        async with asyncio.timeout(HANG_SECONDS):
            while what not in self.told:
                self._changed.clear()
                await self._changed.wait()

    async def _converse(self, ws: Any) -> None:
        self.ws = ws
        self.tell(f"open {ws.user}")
        try:
            while True:
                self.tell(await ws.recv())
        except ConnectionClosed as closed:
            self.tell(f"close {closed.code}")

    def _events(self, request: Any) -> Events:
        return Telling(self)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Room]:
        async with serving(self.app) as server:
            server.service.now = self.clock
            self.server = server
            yield self

    @asynccontextmanager
    async def guest(self, *messages: str, **headers: str) -> AsyncIterator[Guest]:
        """Open a connection, with messages in the same segment as the request."""
        data = opening("/", *headers.items()) + texts(*messages)
        async with caller(self.server, data) as (reader, writer):
            guest = Guest(reader, writer)
            guest.head = await reader.readuntil(b"\r\n\r\n")
            yield guest


class Telling(Events):
    """Tells a room what it sees."""

    def __init__(self, room: Room) -> None:
        self.room = room

    def on_open(self, ws: Any) -> None:
        self.room.ws = ws
        self.room.tell(f"open {ws.user}")

    def on_message(self, ws: Any, data: Any) -> None:
        self.room.tell(data)

    def on_close(self, ws: Any, code: int, reason: str, was_clean: bool) -> None:
        self.room.tell(f"close {ws.close_code}")


class Guest:
    """A client in raw bytes, behind its upgrade."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self.writer = reader, writer
        self._endpoint = client_endpoint()
        self._events: list[Any] = []
        self.head = b""

    def say(self, *messages: str, close: int | None = None) -> None:
        """Send messages, and perhaps a goodbye, in one segment."""
        data = texts(*messages)
        if close is not None:
            data += client_endpoint().send_close(close, "")
        self.writer.write(data)

    async def hears(self) -> Any:
        """Give the next message as text, or the code and reason of a goodbye."""
        while not self._events:
            data = await self._reader.read(65_536)
            if not data:
                return None
            self._events += self._endpoint.receive_bytes(data)
        event = self._events.pop(0)
        if isinstance(event, Close):
            self.say(close=event.code)
            self.writer.close()
            return event.code, event.reason
        assert isinstance(event, Text)
        return event.data
