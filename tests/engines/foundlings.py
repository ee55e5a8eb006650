"""Transports that somebody else has made, for an engine to take over."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from tests.engines.ear import HANG, WRITE_LIMIT, Ear, End, client_context
from trunkline.engines.engine import Engine, Stream


class Foundling(asyncio.Protocol):
    """The protocol of a transport that is to be adopted."""

    def __init__(self, made: asyncio.Future[asyncio.Transport]) -> None:
        self._made = made
        self.losses = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).pause_reading()
        self._made.set_result(cast(asyncio.Transport, transport))

    def connection_lost(self, exc: Exception | None) -> None:
        self.losses += 1


class Meeting:
    """A client, and the transport that a server of asyncio's has made for it."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        transport: asyncio.Transport,
        former: Foundling,
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.transport = transport
        self.former = former

    def adopt(self, engine: Engine) -> End:
        """Have the engine take the transport over."""
        ends: list[End] = []

        def accept(stream: Stream) -> Ear:
            ends.append(End(stream, Ear()))
            return ends[0].ear

        engine.adopt(self.transport, accept, write_limit=WRITE_LIMIT)
        return ends[0]

    async def read_end(self) -> bytes:
        async with asyncio.timeout(HANG):
            return await self.reader.read()


@asynccontextmanager
async def meeting(context: ssl.SSLContext | None = None) -> AsyncIterator[Meeting]:
    loop = asyncio.get_running_loop()
    made: asyncio.Future[asyncio.Transport] = loop.create_future()
    former = Foundling(made)
    server = await loop.create_server(lambda: former, "127.0.0.1", 0, ssl=context)
    options: dict[str, Any] = {}
    if context is not None:
        options = {"ssl": client_context(), "server_hostname": "localhost"}
    port = server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port, **options)
    yield Meeting(reader, writer, await made, former)
    writer.transport.abort()
    server.close()
