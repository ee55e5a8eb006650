"""The `websockets` library as a peer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import ServerConnection, serve
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)

from tests.interop.peers import Data, Settings, below_largest
from trunkline import Close


class WebsocketsConversation:
    """One connection of the library's."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def subprotocol(self) -> str | None:
        return self._connection.subprotocol

    @property
    def is_compressed(self) -> bool:
        return bool(self._connection.protocol.extensions)

    async def send(self, message: Data) -> None:
        await self._connection.send(message)

    async def send_fragments(self, parts: Sequence[Data]) -> None:
        await self._connection.send(parts)

    async def receive(self) -> Data:
        return await self._connection.recv()

    async def ping(self, payload: bytes) -> bytes:
        # The library compares the payload by itself.
        await (await self._connection.ping(payload))
        return payload

    async def close(self, code: int | None, reason: str) -> int:
        await self._connection.close(code, reason)
        return (await self.closed()).code

    async def closed(self) -> Close:
        await self._connection.wait_closed()
        assert self._connection.close_code is not None
        return Close(self._connection.close_code, self._connection.close_reason or "")

    def destroy(self) -> None:
        self._connection.transport.abort()


class WebsocketsPlace:
    """A server of the library's."""

    def __init__(self) -> None:
        self.port = 0
        self._arrivals: asyncio.Queue[Connection] = asyncio.Queue()

    async def arrive(self, connection: ServerConnection) -> None:
        """Hand the connection to the test for as long as it lives."""
        self._arrivals.put_nowait(connection)
        await connection.wait_closed()

    async def accept(self) -> WebsocketsConversation:
        return WebsocketsConversation(await self._arrivals.get())


class WebsocketsPeer:
    """`websockets`, on the loop of the test."""

    @asynccontextmanager
    async def connect(self, uri: str, settings: Settings) -> AsyncIterator[WebsocketsConversation]:
        options = shared_options(settings)
        if settings.deflate is not None:
            options["extensions"] = [ClientPerMessageDeflateFactory(**deflate_options(settings))]
        if settings.certificate is not None:
            options["ssl"] = settings.certificate.client_context
        async with connect(uri, proxy=None, **options) as connection:
            yield WebsocketsConversation(connection)

    @asynccontextmanager
    async def serve(self, settings: Settings) -> AsyncIterator[WebsocketsPlace]:
        options = shared_options(settings)
        if settings.deflate is not None:
            options["extensions"] = [ServerPerMessageDeflateFactory(**deflate_options(settings))]
        if settings.certificate is not None:
            options["ssl"] = settings.certificate.server_context
        place = WebsocketsPlace()
        async with serve(place.arrive, "127.0.0.1", 0, **options) as server:
            place.port = server.sockets[0].getsockname()[1]
            yield place


def shared_options(settings: Settings) -> dict[str, Any]:
    """Give the options that both roles have."""
    return {
        "subprotocols": settings.subprotocols or None,
        "compression": None,
        "max_size": settings.max_size,
    }


def deflate_options(settings: Settings) -> dict[str, Any]:
    """Translate what is wanted of permessage-deflate."""
    wanted = settings.deflate
    assert wanted is not None
    return {
        "server_no_context_takeover": wanted.server_no_context_takeover,
        "client_no_context_takeover": wanted.client_no_context_takeover,
        "server_max_window_bits": below_largest(wanted.server_max_window_bits),
        "client_max_window_bits": below_largest(wanted.client_max_window_bits),
    }
