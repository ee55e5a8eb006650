"""The engine on epoll: its sockets are in a set of their own, which the loop watches as one."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from trunkline.engines.asyncio_engine import AsyncioEngine
from trunkline.engines.engine import Address, Engine, Listener, Receiver, Stream, Tls
from trunkline.engines.happy_eyeballs import open_socket
from trunkline.engines.listening import bind_sockets
from trunkline.engines.securing import Securing
from trunkline.engines.tcp import limit_unsent, switch_nagle_off
from trunkline.engines.timers import TimerWheel
from trunkline.limits import ACCEPT_RETRY, LISTEN_BACKLOG
from trunkline.native.listener import Acceptor, ListeningSocket
from trunkline.native.poller import Poller
from trunkline.native.stream import Stream as NativeStream

logger = logging.getLogger("trunkline.engine")

Accept = Callable[[Stream], Receiver]


class NativeListener:
    """Sockets that accept connections, in the engine's set.

    Args:
        engine: takes the connections.
        sockets: bound.
        accept: gives each stream its receiver.
        tls: secures each stream before it is accepted.
        write_limit: high water of the streams, in bytes.
        paths: of Unix sockets, which end with the listener.
    """

    def __init__(
        self,
        engine: NativeEngine,
        sockets: list[socket.socket],
        accept: Accept,
        tls: Tls | None,
        write_limit: int,
        paths: Sequence[SocketPath] = (),
    ) -> None:
        self._engine = engine
        self._accept = accept
        self._tls = tls
        self._write_limit = write_limit
        # Nothing comes before it where streams are not secured.
        self._acceptor = accept if tls is None and isinstance(accept, Acceptor) else self._accepted
        self._sockets = sockets
        self._paths = paths
        self._listening: list[ListeningSocket] = []

    @property
    def sockets(self) -> Sequence[socket.socket]:
        """The listening sockets."""
        return tuple(self._sockets)

    async def start(self) -> None:
        """Begin to accept."""
        # As in asyncio: whoever closes the server meanwhile is heard first.
        await asyncio.sleep(0)
        if self._listening:
            return
        try:
            for sock in self._sockets:
                self._listen(sock)
        except BaseException:
            self._stop_listening()
            raise

    def _listen(self, sock: socket.socket) -> None:
        sock.listen(LISTEN_BACKLOG)
        switch_nagle_off(sock)
        limit_unsent(sock)
        # The set closes what it holds; this object holds the other descriptor.
        fd = os.dup(sock.fileno())
        try:
            listening = ListeningSocket(self._engine.poller, fd, self._acceptor, self._retry)
        except BaseException:
            os.close(fd)
            raise
        self._listening.append(listening)
        listening.resume()

    def _stop_listening(self) -> None:
        for listening in self._listening:
            listening.close()
        self._listening = []

    def close(self) -> None:
        """Accept no more."""
        self._stop_listening()
        for sock in self._sockets:
            sock.close()
        for path in self._paths:
            path.remove()
        self._sockets, self._paths = [], ()

    def _accepted(self, fd: int) -> None:
        try:
            stream = self._engine.new_stream(fd, None, self._write_limit)
        except BaseException:
            os.close(fd)
            raise
        if self._tls is None:
            self._hand_over(stream)
        else:
            self._secure(stream, self._tls)
        try:
            stream.open()
        except BaseException:
            stream.abort()  # whose receiver hears of it
            raise

    def _secure(self, stream: NativeStream, tls: Tls) -> None:
        """Do the handshake first: nobody hears of a stream that fails in it."""

        def done(error: Exception | None) -> None:
            if error is None:
                self._hand_over(stream)

        try:
            Securing(stream, tls, self._engine.timers, is_server=True, when_done=done)
        except BaseException:
            stream.abort()
            raise

    def _hand_over(self, stream: NativeStream) -> None:
        try:
            stream.receiver = self._accept(stream)
        except BaseException:
            stream.receiver = None
            stream.abort()
            raise

    def _retry(self, error: OSError) -> None:
        """Begin again in a while: descriptors are short, and every second would ask in vain."""
        self._engine.timers.call_in(ACCEPT_RETRY, self._resume)
        logger.error("cannot accept a connection: %s; next try in %s s", error, ACCEPT_RETRY)

    def _resume(self) -> None:
        for listening in self._listening:
            listening.resume()


class NativeEngine:
    """Streams in an epoll set under one asyncio loop, and timers."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._asyncio = AsyncioEngine(loop)
        self.timers: TimerWheel = self._asyncio.timers
        self.poller = Poller(loop)
        self.owners: Callable[[], Iterator[object]] | None = self.poller.owners

    @property
    def idle_descriptors(self) -> int:
        """That of the set, while nothing is in it."""
        return int(self.poller.is_idle)

    def now(self) -> float:
        """Give the time in seconds, on the clock of the set."""
        return time.monotonic()

    def poll_busily(self, seconds: float) -> None:
        """Look for so long; of several wishes, the longest counts."""
        if seconds > self.poller.busy_poll:
            self.poller.tune_busy_poll(seconds)

    def call_soon(self, callback: Callable[[], None]) -> None:
        """Call `callback` at the end of the batch, or in the next round of the loop."""
        self.poller.call_soon(callback)

    def close(self) -> None:
        """Let go of the set and of every stream in it; nobody is told."""
        self.poller.close()

    async def connect(
        self, address: Address, receiver: Receiver, *, tls: Tls | None, write_limit: int
    ) -> Stream:
        """Open a stream to a Unix socket, on a given socket, or to a host."""
        sock = await self._connected_socket(address)
        switch_nagle_off(sock)
        stream = self.new_stream(sock.detach(), None, write_limit)
        if tls is None:
            stream.receiver = receiver
            stream.open()
        else:
            await self._secure(stream, tls, receiver)
        return stream

    async def listen(
        self, address: Address, accept: Accept, *, tls: Tls | None, write_limit: int
    ) -> Listener:
        """Listen at a Unix socket, on given sockets, or at hosts and a port."""
        sockets = await bind_sockets(self.loop, address)
        found = () if address.shared else map(path_of, sockets)
        paths = [path for path in found if path is not None]
        return NativeListener(self, sockets, accept, tls, write_limit, paths)

    def adopt(self, transport: asyncio.Transport, accept: Accept, *, write_limit: int) -> None:
        """Move the socket into the set, where nothing of its transport would be left behind."""
        fd = duplicate_of(transport)
        if fd is None:
            self._asyncio.adopt(transport, accept, write_limit=write_limit)
            return
        try:
            stream = self.new_stream(fd, None, write_limit)
        except BaseException:
            os.close(fd)
            raise
        # It closes its descriptor and says nothing to the peer: the other one is open.
        transport.set_protocol(asyncio.Protocol())
        transport.abort()
        stream.pause_reading()
        try:
            stream.receiver = accept(stream)
            stream.open()
        except BaseException:
            stream.abort()
            raise

    async def start_tls(self, stream: Stream, tls: Tls) -> None:
        """Lay TLS over an open stream."""
        assert isinstance(stream, NativeStream)
        await self._secure(stream, tls, stream.receiver)

    def answer_tls(
        self, stream: Stream, tls: Tls, received: bytes, when_secure: Callable[[], None]
    ) -> None:
        """Lay TLS over an open stream, whose client begins the handshake."""
        assert isinstance(stream, NativeStream)

        def done(error: Exception | None) -> None:
            if error is None:
                when_secure()

        Securing(stream, tls, self.timers, is_server=True, when_done=done, received=received)

    async def _secure(self, stream: NativeStream, tls: Tls, receiver: Receiver) -> None:
        """Do the handshake, and give the stream to `receiver`."""
        done: asyncio.Future[None] = self.loop.create_future()

        def finish(error: Exception | None) -> None:
            if error is None:
                stream.receiver = receiver
            if not done.done():
                settle(done, error)

        try:
            Securing(stream, tls, self.timers, is_server=False, when_done=finish)
            stream.open()
            await done
        except BaseException:
            stream.abort()
            raise

    def new_stream(self, fd: int, receiver: Receiver | None, write_limit: int) -> NativeStream:
        """Make a stream of a connected socket, which it owns from now on."""
        return NativeStream(self.poller, fd, receiver, write_limit)

    async def _connected_socket(self, address: Address) -> socket.socket:
        if address.path is not None:
            return await connect_path(self.loop, address.path)
        if address.sock is not None:
            address.sock.setblocking(False)
            return address.sock
        return await open_socket(self.loop, address)


def duplicate_of(transport: asyncio.Transport) -> int | None:
    """Give a second descriptor of a transport that is a socket and nothing else.

    `None` stands for one with TLS, one with unsent bytes, and where no descriptor is left.
    """
    sock = transport.get_extra_info("socket")
    is_secured = transport.get_extra_info("sslcontext") is not None
    if sock is None or is_secured or transport.get_write_buffer_size():
        return None
    try:
        return os.dup(sock.fileno())
    except OSError:
        return None


async def connect_path(loop: asyncio.AbstractEventLoop, path: str) -> socket.socket:
    """Connect to a Unix socket."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        await loop.sock_connect(sock, path)
    except BaseException:
        sock.close()
        raise
    return sock


def settle(future: asyncio.Future[None], error: Exception | None) -> None:
    """End the waiting for `future`."""
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)


@dataclass(frozen=True, slots=True)
class SocketPath:
    """The name of a Unix socket in the file system; `status` tells it from a successor's."""

    path: str
    status: os.stat_result

    def remove(self) -> None:
        """Take the name away, unless somebody else has it by now."""
        with suppress(OSError):
            if os.path.samestat(self.status, os.stat(self.path)):
                os.remove(self.path)


def path_of(sock: socket.socket) -> SocketPath | None:
    """Give the path of a Unix socket; abstract names, which are bytes, go by themselves."""
    name = sock.getsockname() if sock.family == socket.AF_UNIX else ""
    if not name or isinstance(name, bytes):
        return None
    return SocketPath(name, os.stat(name))


def _is_an_engine(engine: NativeEngine) -> Engine:
    """Let the type checker compare the engine with its interface."""
    return engine
