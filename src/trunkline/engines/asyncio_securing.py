"""The TLS handshake of a server on an open asyncio stream, which goes on behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from trunkline.engines.asyncio_engine import AsyncioStream

LayTls = Callable[[asyncio.Protocol], Awaitable[asyncio.Transport | None]]
"""Does the handshake of a transport, and gives the one that tells a protocol from then on."""


class AsyncioSecuring(asyncio.Protocol):
    """Does the handshake, and lays TLS over the stream.

    asyncio may tell of bytes behind the handshake before it gives the transport to answer them by:
    so it tells this protocol, which keeps them.

    Args:
        loop: of the stream.
        stream: open; it hears of nothing meanwhile.
        lay_tls: lays TLS over its transport.
        received: bytes of the client that were read before.
        when_secure: called before the stream hears of anything again; where the handshake fails,
            the stream is lost instead.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        stream: AsyncioStream,
        lay_tls: LayTls,
        received: bytes,
        when_secure: Callable[[], None],
    ) -> None:
        self._stream = stream
        self._plain = stream.transport
        self._lay_tls = lay_tls
        self._received = received
        self._when_secure = when_secure
        self._kept = bytearray()
        self._has_ended = False
        # Otherwise uvloop could read more before the task has begun.
        self._plain.pause_reading()
        self._plain.set_protocol(self)
        # Not `create_task()`, which may run a first step at once: the order below depends on it.
        handshake = asyncio.Task(self._shake_hands(), loop=loop)
        handshake.add_done_callback(self._finish)
        # The first step calls connection_made() and resumes reading soon; this is called behind
        # both, and before the loop looks for anything to read.
        loop.call_soon(loop.call_soon, self._hand_on)

    # Called by asyncio

    def data_received(self, data: bytes) -> None:
        """Keep what came behind the handshake."""
        self._kept += data

    def eof_received(self) -> None:
        """Take note that nobody waits for an answer any more."""
        self._has_ended = True

    # The handshake

    async def _shake_hands(self) -> asyncio.Transport | None:
        # asyncio would wait for a loss that it has told of already.
        return None if self._plain.is_closing() else await self._lay_tls(self)

    def _hand_on(self) -> None:
        """Give what was read before to the handshake."""
        if not self._plain.is_closing():
            feed(cast(asyncio.BufferedProtocol, self._plain.get_protocol()), self._received)

    def _finish(self, handshake: asyncio.Task[asyncio.Transport | None]) -> None:
        error = None if handshake.cancelled() else handshake.exception()
        if error or handshake.cancelled() or self._plain.is_closing() or self._has_ended:
            self._fail(cast(Exception | None, error))
        else:
            self._succeed(cast(asyncio.Transport, handshake.result()))

    def _fail(self, error: Exception | None) -> None:
        if not self._plain.is_closing():
            self._plain.abort()
        lost = ConnectionResetError("the stream was lost during the TLS handshake")
        self._stream.connection_lost(error or lost)

    def _succeed(self, transport: asyncio.Transport) -> None:
        transport.set_protocol(self._stream)
        self._stream.take(transport)
        try:
            self._when_secure()
        except BaseException:
            self._stream.abort()
            raise
        if self._kept and not transport.is_closing():
            self._stream.data_received(bytes(self._kept))


def feed(protocol: asyncio.BufferedProtocol, data: bytes) -> None:
    """Copy `data` into the buffers that a protocol gives."""
    left = memoryview(data)
    while left:
        buffer = memoryview(protocol.get_buffer(len(left)))
        size = min(len(buffer), len(left))
        buffer[:size] = left[:size]
        protocol.buffer_updated(size)
        left = left[size:]
