"""The engine on asyncio transports: any platform, any loop that speaks asyncio, uvloop too."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, cast

from trunkline.engines.asyncio_securing import AsyncioSecuring
from trunkline.engines.engine import Address, Engine, Listener, Receiver, Stream, Tls
from trunkline.engines.happy_eyeballs import open_socket
from trunkline.engines.tcp import limit_unsent, switch_nagle_off
from trunkline.engines.timers import TimerWheel
from trunkline.limits import LARGEST_WRITE_LIMIT, LISTEN_BACKLOG, LOW_WATER_DIVISOR

KEEP_PATH: dict[str, Any] = {"cleanup_socket": False} if sys.version_info >= (3, 13) else {}
"""Leaves the path of a Unix socket where it is; older versions do so anyway."""

MakeServer = Callable[..., Awaitable[asyncio.Server]]


class AsyncioStream(asyncio.Protocol):
    """A stream over an asyncio transport.

    Args:
        receiver: takes what happens, from the first byte on.
        write_limit: high water in bytes.
    """

    clock: Callable[[], float] = time.monotonic
    """Gives the time in seconds, as the engine's `now()` does."""

    def __init__(self, receiver: Receiver, write_limit: int) -> None:
        self.receiver = receiver
        self._write_limit = min(write_limit, LARGEST_WRITE_LIMIT)
        self._transport: asyncio.Transport | None = None
        self._names: dict[str, Any] = {}
        self._corked: list[bytes] | None = None
        self._corked_bytes = 0
        self._written = 0
        self.last_heard = self.clock()
        self._has_ended_writing = False
        self.is_reading_paused = False
        self.is_writing_paused = False
        self.has_ended = False
        self.is_lost = False

    # Called by asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self.take(transport)

    def take(self, transport: asyncio.BaseTransport) -> None:
        """Take a transport; a second time when TLS has been laid over the first."""
        self._transport = cast(asyncio.Transport, transport)
        self._set_water_marks()
        # asyncio's TLS transport forgets them at its end
        self._names = {name: transport.get_extra_info(name) for name in ("peername", "sockname")}
        # asyncio switches Nagle off for the sockets that it makes itself only.
        if (sock := transport.get_extra_info("socket")) is not None:
            switch_nagle_off(sock)

    def data_received(self, data: bytes) -> None:
        """Hand on what arrived, and send all answers to it in one write."""
        self.last_heard = self.clock()
        self.cork()
        try:
            self.receiver.bytes_received(data)
        except (KeyboardInterrupt, SystemExit):
            # asyncio would go on, behind what of these bytes was not handled.
            self.abort()
            raise
        finally:
            self.uncork()

    def eof_received(self) -> bool:
        """Keep a plain stream half open: its receiver says when it is over."""
        self.has_ended = True
        self.receiver.end_received()
        return self.get_extra_info("sslcontext") is None

    def pause_writing(self) -> None:
        """Take note of high water."""
        self.is_writing_paused = True

    def resume_writing(self) -> None:
        """Take note of low water."""
        self.is_writing_paused = False
        self._set_water_marks()
        self.receiver.writing_resumed()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the receiver, last."""
        self.is_lost = True
        self.receiver.stream_lost(exc)

    # Called by the receiver

    @property
    def transport(self) -> asyncio.Transport:
        """The transport, which is there as soon as anybody holds the stream."""
        assert self._transport is not None
        return self._transport

    @property
    def unsent(self) -> int:
        """Bytes that were written and have not left."""
        return self._corked_bytes + self.transport.get_write_buffer_size()

    @property
    def is_held_up(self) -> bool:
        """Whether what was written waits for the peer, and not only for its turn."""
        return self.is_writing_paused or self.transport.get_write_buffer_size() > 0

    @property
    def sent(self) -> int:
        """Bytes that have left, since the beginning; means nothing once the stream is lost."""
        return self._written - self.transport.get_write_buffer_size()

    def write(self, data: bytes) -> None:
        """Send `data`, now or later; drop it once this direction has ended."""
        if self._corked is None:
            self._write(data)
            return
        self._corked.append(data)
        self._corked_bytes += len(data)
        # So that high water is noticed by whoever sends without end
        if self._corked_bytes > self._write_limit:
            self._flush()

    def cork(self) -> None:
        """Hold back what is written until `uncork()`."""
        if self._corked is None:
            self._corked = []

    def uncork(self) -> None:
        """Send what was held back, in one piece."""
        self._flush()
        self._corked = None

    def gather(self) -> None:
        """Hold back what is written until the tasks that are running now have paused."""
        if self._corked is None:
            self.cork()
            asyncio.get_running_loop().call_soon(self.uncork)

    def limit_unsent(self, size: int) -> None:
        """Have the kernel take no more than so many bytes that it cannot send yet, if it can."""
        sock = None if self._is_deaf_to_writes() else self.get_extra_info("socket")
        if sock is not None:
            limit_unsent(sock, size)

    def pause_early(self) -> None:
        """Be above high water already, if what was written waits for the peer."""
        if self.is_held_up and not self._is_deaf_to_writes():
            self.transport.set_write_buffer_limits(0)

    def pause_reading(self) -> None:
        """Receive nothing until `resume_reading()`."""
        self.is_reading_paused = True
        if not self.is_lost and not self.transport.is_closing():
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Receive again; asyncio would tell of an end once more."""
        self.is_reading_paused = False
        if not (self.has_ended or self.is_lost or self.transport.is_closing()):
            self.transport.resume_reading()

    def end_writing(self) -> None:
        """End this direction; TLS has no such thing, so there the stream is closed."""
        self._flush()
        if self._is_deaf_to_writes():
            return
        self._has_ended_writing = True
        if self.transport.can_write_eof():
            with suppress(OSError):  # the peer has reset the connection: reading will tell
                self.transport.write_eof()
        else:
            self.transport.close()

    def close(self) -> None:
        """Send what is unsent, then let go."""
        self._flush()
        # A second close() parts asyncio's TLS transport from its connection: abort() does nothing
        if not self.transport.is_closing():
            self.transport.close()

    def abort(self) -> None:
        """Let go at once."""
        # After a close that had to wait, asyncio's transport does not know that it is gone
        if not self.is_lost:
            self.transport.abort()

    def get_extra_info(self, name: str) -> Any:
        """Give what asyncio knows of the transport."""
        return self.transport.get_extra_info(name, self._names.get(name))

    def _set_water_marks(self) -> None:
        low = self._write_limit // LOW_WATER_DIVISOR
        self.transport.set_write_buffer_limits(self._write_limit, low)

    def _flush(self) -> None:
        if not self._corked:
            return
        held, self._corked, self._corked_bytes = self._corked, [], 0
        self._write(b"".join(held))

    def _write(self, data: bytes) -> None:
        if not self._is_deaf_to_writes():
            self._written += len(data)
            self.transport.write(data)

    def _is_deaf_to_writes(self) -> bool:
        return self._has_ended_writing or self.is_lost or self.transport.is_closing()


class AsyncioListener:
    """Sockets that accept connections, over asyncio servers."""

    def __init__(self, *servers: asyncio.Server) -> None:
        self._servers = servers

    @property
    def sockets(self) -> Sequence[socket.socket]:
        """The listening sockets."""
        return [sock for server in self._servers for sock in server.sockets]

    async def start(self) -> None:
        """Begin to accept."""
        for sock in self.sockets:
            limit_unsent(sock)
        for server in self._servers:
            await server.start_serving()

    def close(self) -> None:
        """Accept no more."""
        for server in self._servers:
            server.close()


class AsyncioEngine:
    """Streams and timers on one asyncio loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.timers = TimerWheel(loop.time, loop.call_at)
        self.owners: Callable[[], Iterator[object]] | None = None

    @property
    def idle_descriptors(self) -> int:
        """The loop watches sockets, and nothing else."""
        return 0

    def close(self) -> None:
        """Nothing is held that the loop does not hold."""

    def now(self) -> float:
        """Give the time in seconds, on the clock of asyncio's own loop."""
        # uvloop's `time()` counts whole milliseconds, and stands still while the loop runs tasks.
        return time.monotonic()

    def poll_busily(self, seconds: float) -> None:
        """The loop decides when it sleeps."""

    def call_soon(self, callback: Callable[[], None]) -> None:
        """Call `callback` in the next round of the loop."""
        self.loop.call_soon(callback)

    async def connect(
        self, address: Address, receiver: Receiver, *, tls: Tls | None, write_limit: int
    ) -> Stream:
        """Open a stream to a Unix socket, on a given socket, or to a host."""

        def protocol() -> AsyncioStream:
            return AsyncioStream(receiver, write_limit)

        options = tls_options(tls)
        if tls is not None:
            options["server_hostname"] = tls.server_hostname
        if address.path is not None:
            _, stream = await self.loop.create_unix_connection(protocol, address.path, **options)
            return stream
        sock = address.sock or await open_socket(self.loop, address)
        _, stream = await self.loop.create_connection(protocol, sock=sock, **options)
        return stream

    async def listen(
        self,
        address: Address,
        accept: Callable[[Stream], Receiver],
        *,
        tls: Tls | None,
        write_limit: int,
    ) -> Listener:
        """Listen at a Unix socket, on given sockets, or at hosts and a port."""

        def protocol() -> AcceptedStream:
            return AcceptedStream(accept, write_limit)

        options = tls_options(tls) | {"backlog": LISTEN_BACKLOG, "start_serving": False}
        if address.path is not None:
            server = await self.loop.create_unix_server(protocol, address.path, **options)
            return AsyncioListener(server)
        if address.shared:
            return await self._share(address.shared, protocol, options)
        if address.sock is not None:
            options["sock"] = address.sock
            if address.sock.family == getattr(socket, "AF_UNIX", None):
                return AsyncioListener(await self.loop.create_unix_server(protocol, **options))
        else:
            options |= {"family": address.family, "reuse_port": address.reuse_port}
            options |= {"host": address.host, "port": address.port}
        return AsyncioListener(await self.loop.create_server(protocol, **options))

    def adopt(
        self,
        transport: asyncio.Transport,
        accept: Callable[[Stream], Receiver],
        *,
        write_limit: int,
    ) -> None:
        """Be the protocol of a transport that somebody else has made."""
        stream = AcceptedStream(accept, write_limit)
        transport.set_protocol(stream)
        stream.connection_made(transport)

    async def _share(
        self,
        sockets: Sequence[socket.socket],
        protocol: Callable[[], AcceptedStream],
        options: dict[str, Any],
    ) -> Listener:
        """Listen on sockets that others have, too."""
        servers = []
        for sock in sockets:
            make: MakeServer = self.loop.create_server
            if sock.family == getattr(socket, "AF_UNIX", None):
                make = self._make_keeping_path
            servers.append(await make(protocol, sock=sock, **options))
        return AsyncioListener(*servers)

    async def _make_keeping_path(self, protocol: Any, **options: Any) -> asyncio.Server:
        return await self.loop.create_unix_server(protocol, **options, **KEEP_PATH)

    async def start_tls(self, stream: Stream, tls: Tls) -> None:
        """Lay TLS over an open stream."""
        assert isinstance(stream, AsyncioStream)
        transport = await self.lay_tls(stream.transport, tls, stream, is_server=False)
        if transport is None:
            raise ConnectionResetError("the stream was lost during the TLS handshake")
        stream.take(transport)

    def answer_tls(
        self, stream: Stream, tls: Tls, received: bytes, when_secure: Callable[[], None]
    ) -> None:
        """Lay TLS over an open stream, whose client begins the handshake."""
        assert isinstance(stream, AsyncioStream)
        lay_tls = partial(self.lay_tls, stream.transport, tls, is_server=True)
        AsyncioSecuring(self.loop, stream, lay_tls, received, when_secure)

    async def lay_tls(
        self, plain: asyncio.Transport, tls: Tls, protocol: asyncio.Protocol, *, is_server: bool
    ) -> asyncio.Transport | None:
        """Give the transport that lies over `plain`; `None` where that was lost."""
        return await self.loop.start_tls(
            plain,
            protocol,
            tls.context,
            server_side=is_server,
            server_hostname=None if is_server else tls.server_hostname,
            ssl_handshake_timeout=tls.handshake_timeout,
        )


class AcceptedStream(AsyncioStream):
    """A stream whose receiver is made when it is accepted."""

    def __init__(self, accept: Callable[[Stream], Receiver], write_limit: int) -> None:
        super().__init__(cast(Receiver, None), write_limit)
        self._accept = accept

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport, and ask for a receiver."""
        super().connection_made(transport)
        try:
            self.receiver = self._accept(self)
        except BaseException:
            self.receiver = Nobody()
            self.abort()
            raise


class Nobody:
    """The receiver of a stream that nobody wanted."""

    def bytes_received(self, data: bytes) -> None:
        """It was aborted before it began to receive."""

    def end_received(self) -> None:
        """It was aborted before it began to receive."""

    def writing_resumed(self) -> None:
        """Nothing was written."""

    def stream_lost(self, error: Exception | None) -> None:
        """It was aborted."""


def tls_options(tls: Tls | None) -> dict[str, Any]:
    """Give the parameters that asyncio takes for TLS."""
    if tls is None:
        return {}
    return {"ssl": tls.context, "ssl_handshake_timeout": tls.handshake_timeout}


def _is_an_engine(engine: AsyncioEngine) -> Engine:
    """Let the type checker compare the engine with its interface."""
    return engine
