"""One conversation with everything in it, held by clients and servers of every kind.

Client and server write down what they saw; neither side helps the other to end.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.faults.fault_proxy import HOST
from trunkline import (
    CloseEvent,
    Connection,
    ConnectionClosed,
    ErrorEvent,
    Events,
    Limits,
    MessageEvent,
    Request,
    Server,
    ServerConnection,
    WebSocket,
    connect,
    serve,
)

Data = str | bytes

LIMITS = Limits(open_timeout=3.0, close_timeout=5.0, ping_interval=20.0, ping_timeout=10.0)
"""Deadlines that can be told from each other."""

MESSAGES: list[Data] = ["Grüß Gott", b"\x00\xff" * 10, "in three pieces"]
FRAGMENTS = ["in ", "three ", "pieces"]
GREETING = ["wel", "", "come"]


@dataclass
class Record:
    """What one side saw."""

    messages: list[Data] = field(default_factory=list)
    error: Exception | None = None
    """Why no connection came about."""
    closed: ConnectionClosed | None = None
    close_event: tuple[int, str, bool] | None = None
    opened: bool = False
    ends: list[float] = field(default_factory=list)
    """When the end was told, in seconds on the loop's clock: once, it is hoped."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self, closed: ConnectionClosed | None = None) -> None:
        """Take note of the end."""
        self.closed = closed or self.closed
        self.ends.append(asyncio.get_running_loop().time())
        self.ended.set()


# Servers


class Diary:
    """The records of a server, by the path that a client asked for."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}

    def open(self, request: Request | None) -> Record:
        """Begin the record of a connection."""
        assert request is not None
        record = self.records[request.path] = Record(opened=True)
        return record

    async def converse(self, ws: ServerConnection) -> None:
        """Greet in fragments, and echo."""
        record = self.open(ws.request)
        try:
            await ws.send(GREETING)
            async for message in ws:
                record.messages.append(message)
                await ws.send(message)
        finally:
            await ws.wait_closed()
            record.end(ws.closed())

    def events(self, request: Request) -> Events:
        """Make events that greet and echo."""
        return RecordedEcho(self.open(request))


class RecordedEvents(Events):
    """Events that are written down."""

    def __init__(self, record: Record) -> None:
        self.record = record

    def on_message(self, ws: Connection, data: Data) -> None:
        self.record.messages.append(data)

    def on_error(self, ws: Connection, error: Exception) -> None:
        assert isinstance(error, ConnectionClosed)
        self.record.closed = error

    def on_close(self, ws: Connection, code: int, reason: str, was_clean: bool) -> None:
        self.record.close_event = (code, reason, was_clean)
        self.record.end(ws.closed())


class RecordedEcho(RecordedEvents):
    """The server's side."""

    def on_open(self, ws: Connection) -> None:
        ws.send_soon("".join(GREETING))

    def on_message(self, ws: Connection, data: Data) -> None:
        super().on_message(ws, data)
        if ws.state is ws.state.OPEN:
            ws.send_soon(data)


# Clients

Client = Callable[[str, Record, dict[str, Any]], Awaitable[None]]


async def coroutine_client(uri: str, record: Record, options: dict[str, Any]) -> None:
    """Say something, and wait for the echo, in turns."""
    ws = await connect(uri, **options)
    record.opened = True
    try:
        record.messages.append(await ws.recv())
        for message in (*MESSAGES[:2], FRAGMENTS):
            await ws.send(message)
            record.messages.append(await ws.recv())
        await ws.ping(b"are you there")
        await ws.close(1000, "goodbye")
    except ConnectionClosed:
        await ws.wait_closed()
    record.end(ws.closed())


class RecordedTalk(RecordedEvents):
    """The client's side: everything is said at once."""

    def on_open(self, ws: Connection) -> None:
        self.record.opened = True
        self.pong = ws.ping(b"are you there")
        for message in MESSAGES:
            ws.send_soon(message)

    def on_message(self, ws: Connection, data: Data) -> None:
        super().on_message(ws, data)
        if len(self.record.messages) > len(MESSAGES):
            ws.close_soon(1000, "goodbye")


async def events_client(uri: str, record: Record, options: dict[str, Any]) -> None:
    """Converse by events."""
    ws = await connect(uri, events=lambda: RecordedTalk(record), **options)
    await ws.wait_closed()


async def browser_client(uri: str, record: Record, options: dict[str, Any]) -> None:
    """Converse by the browser's interface."""
    socket = WebSocket(uri, **options)

    def opened(event: Any) -> None:
        record.opened = True
        for message in MESSAGES:
            socket.send(message)

    def arrived(event: MessageEvent) -> None:
        assert isinstance(event.data, str | bytes)
        record.messages.append(event.data)
        if len(record.messages) > len(MESSAGES):
            socket.close(1000, "goodbye")

    def failed(event: ErrorEvent) -> None:
        if isinstance(event.error, ConnectionClosed):
            record.closed = event.error
        else:
            record.error = event.error

    def closed(event: CloseEvent) -> None:
        record.close_event = (event.code, event.reason, event.was_clean)
        record.end()

    socket.on_open, socket.on_message = opened, arrived
    socket.on_error, socket.on_close = failed, closed
    await socket.wait_closed()


@dataclass(frozen=True)
class Pair:
    """A kind of client, and a kind of server."""

    client: Client
    serves_events: bool = False

    def handler(self, diary: Diary) -> Any:
        """Give what `serve()` takes."""
        return diary.events if self.serves_events else diary.converse

    @asynccontextmanager
    async def serving(
        self, diary: Diary, limits: Limits = LIMITS, context: ssl.SSLContext | None = None
    ) -> AsyncIterator[Server]:
        """Run the server, and look that it has nobody left at the end."""
        server = serve(
            self.handler(diary),
            HOST,
            0,
            ssl=context,
            compression=None,
            server_header=None,
            limits=limits,
        )
        async with server:
            yield server
        assert server.connections == set()

    async def talk(
        self, uri: str, limits: Limits = LIMITS, context: ssl.SSLContext | None = None
    ) -> Record:
        """Hold the conversation as its client."""
        record = Record()
        options = {
            "compression": None,
            "user_agent_header": None,
            "proxy": None,
            "limits": limits,
            "ssl": context,
        }
        try:
            await self.client(uri, record, options)
        except Exception as error:
            record.error = error
            record.end()
        return record


PAIRS = {
    "coroutines": Pair(coroutine_client),
    "events": Pair(events_client, serves_events=True),
    "browser": Pair(browser_client),
}
