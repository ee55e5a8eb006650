"""An engine without sockets: streams between clients and servers of one loop, in memory."""

from __future__ import annotations

import asyncio
import errno
import itertools
import socket
from asyncio.sslproto import SSLProtocol
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from trunkline.engines.asyncio_engine import AcceptedStream, AsyncioEngine, AsyncioStream
from trunkline.engines.engine import Address, Engine, Listener, Receiver, Stream, Tls
from trunkline.errors import UsageError
from trunkline.testing.line import Line
from trunkline.testing.memory_transport import MemoryTransport
from trunkline.testing.weather import CALM, Weather

Place = tuple[str, int] | str
"""Host and port, or the path of a Unix socket: only a name here."""
Accept = Callable[[Stream], Receiver]

LOCAL = "127.0.0.1"
ALIASES = {"localhost": LOCAL, "::1": LOCAL}
ANY_HOST = ""
FIRST_FREE_PORT = 49152
"""RFC 6335 §6: from here on, ports belong to nobody."""


@dataclass(frozen=True, slots=True)
class MemorySocket:
    """Stands where a listening socket stands, for whoever asks it for its port."""

    place: Place

    def getsockname(self) -> Place:
        """Give host and port, or the path."""
        return self.place


class MemoryListener:
    """Takes the streams to some places.

    Args:
        engine: knows it.
        places: where it listens.
        accept: gives each stream its receiver.
        tls: lies over each; `None` for none.
        write_limit: high water of each, in bytes.
    """

    def __init__(
        self,
        engine: MemoryEngine,
        places: Sequence[Place],
        accept: Accept,
        tls: Tls | None,
        write_limit: int,
    ) -> None:
        self._engine = engine
        self._places = places
        self._accept = accept
        self._tls = tls
        self._write_limit = write_limit
        self._waiting: list[Line] = []
        self._is_started = False

    @property
    def sockets(self) -> Sequence[socket.socket]:
        """What tells where it listens."""
        return cast(Sequence[socket.socket], [MemorySocket(place) for place in self._places])

    async def start(self) -> None:
        """Begin to accept, with those who have waited for it."""
        self._is_started = True
        waiting, self._waiting = self._waiting, []
        for line in waiting:
            self._accept_soon(line)

    def close(self) -> None:
        """Accept no more; whoever waits is cut."""
        self._engine.forget(self)
        waiting, self._waiting = self._waiting, []
        for line in waiting:
            line.cut()

    def arrive(self, line: Line) -> None:
        """Take a line, soon or at the start."""
        if self._is_started:
            self._accept_soon(line)
        else:
            self._waiting.append(line)

    def _accept_soon(self, line: Line) -> None:
        asyncio.get_running_loop().call_soon(self._receive, line)

    def _receive(self, line: Line) -> None:
        stream = AcceptedStream(self._accept, self._write_limit)
        self._engine.join(stream, line.server, self._tls, is_server=True)


class MemoryEngine(AsyncioEngine):
    """Streams on one loop that need nothing of the machine.

    Names are not looked up: who listens at a host and port is found there, and at every host who
    listens at none in particular. `127.0.0.1`, `::1` and `localhost` are one.

    Args:
        loop: keeps the time.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.lines: list[Line] = []
        """Those that are there, in the order of their beginning."""
        self.weathers: dict[str, Weather] = {}
        """Of the lines to a host."""
        self._listeners: dict[Place, MemoryListener] = {}
        self._ports = itertools.count(FIRST_FREE_PORT)
        self._numbers = itertools.count()

    def now(self) -> float:
        """Give the time in seconds, on the loop's clock."""
        return self.loop.time()

    async def listen(
        self, address: Address, accept: Accept, *, tls: Tls | None, write_limit: int
    ) -> Listener:
        """Listen at a name.

        Raises:
            OSError: somebody listens there.
            UsageError: the address is a socket of the machine.
        """
        places = self._places(address)
        for place in places:
            if place in self._listeners:
                taken = f"address already in use in memory: {place!r}"
                raise OSError(errno.EADDRINUSE, f"{taken}; a second house needs another host=")
        listener = MemoryListener(self, places, accept, tls, write_limit)
        self._listeners |= dict.fromkeys(places, listener)
        return listener

    def forget(self, listener: MemoryListener) -> None:
        """Let nobody reach a listener any more."""
        known = self._listeners.items()
        self._listeners = {place: other for place, other in known if other is not listener}

    async def connect(
        self, address: Address, receiver: Receiver, *, tls: Tls | None, write_limit: int
    ) -> Stream:
        """Open a stream to who listens at the name.

        Raises:
            ConnectionRefusedError: nobody does.
            OSError: TLS fails.
            UsageError: the address is a socket of the machine.
        """
        # A connection takes a way and a way back, before anything is said on it.
        await asyncio.sleep(2 * self._weather_at(address.host).delay)
        line = self.dial(address)
        stream = AsyncioStream(receiver, write_limit)
        secured = None if tls is None else self.loop.create_future()
        try:
            self.join(stream, line.client, tls, secured=secured)
            if secured is not None:
                await secured
        except BaseException:
            line.client.abort()
            raise
        return stream

    def dial(self, address: Address) -> Line:
        """Give a line to who listens at the name; its client's end is nobody's yet.

        Raises:
            ConnectionRefusedError, UsageError: as `connect()`.
        """
        (place,) = self._places(address)
        listener = self._listener_at(place)
        host, port = address.local_addr or (LOCAL, 0)
        client = (host, port or next(self._ports))
        line = Line(self.loop, client, place, self.lines.remove)
        self._weather_at(address.host).befall(line, next(self._numbers))
        self.lines.append(line)
        listener.arrive(line)
        return line

    def join(
        self,
        stream: AsyncioStream,
        end: MemoryTransport,
        tls: Tls | None,
        *,
        secured: asyncio.Future[None] | None = None,
        is_server: bool = False,
    ) -> None:
        """Give a stream its end of a line, at once or behind a TLS handshake.

        Args:
            stream: is told of the end.
            end: has nobody to tell yet.
            tls: lies between them.
            secured: is done, or fails, with the handshake.
            is_server: whether it is the server's end.
        """
        stream.clock = self.now
        stream.last_heard = self.now()
        protocol: asyncio.BaseProtocol = stream
        if tls is not None:
            protocol = SSLProtocol(
                cast(asyncio.BaseEventLoop, self.loop),
                stream,
                tls.context,
                cast(Any, secured),
                server_side=is_server,
                server_hostname=tls.server_hostname,
                ssl_handshake_timeout=cast(Any, tls.handshake_timeout),
            )
        end.set_protocol(protocol)
        protocol.connection_made(end)

    async def lay_tls(
        self, plain: asyncio.Transport, tls: Tls, protocol: asyncio.Protocol, *, is_server: bool
    ) -> asyncio.Transport | None:
        """Do as asyncio's own loop does: uvloop knows no transports but its own."""
        return await asyncio.BaseEventLoop.start_tls(
            cast(asyncio.BaseEventLoop, self.loop),
            plain,
            protocol,
            tls.context,
            server_side=is_server,
            server_hostname=None if is_server else tls.server_hostname,
            ssl_handshake_timeout=tls.handshake_timeout,
        )

    # Names

    def _places(self, address: Address) -> list[Place]:
        if address.sock is not None:
            raise UsageError("in memory there are no sockets: leave sock= away, or use a name")
        if address.path is not None:
            return [address.path]
        hosts = address.host or ANY_HOST
        port = address.port or next(self._ports)
        return [(one_name(host), port) for host in ([hosts] if isinstance(hosts, str) else hosts)]

    def _listener_at(self, place: Place) -> MemoryListener:
        wildcard = place if isinstance(place, str) else (ANY_HOST, place[1])
        listener = self._listeners.get(place) or self._listeners.get(wildcard)
        if listener is None:
            there = ", ".join(map(repr, self._listeners)) or "nobody at all"
            why = f"nobody listens at {place!r} in memory; there is {there}"
            raise ConnectionRefusedError(errno.ECONNREFUSED, why)
        return listener

    def _weather_at(self, host: object) -> Weather:
        return self.weathers.get(str(host), CALM)


def one_name(host: str) -> str:
    """Give the one name of a host that has several."""
    return ALIASES.get(host, host)


def _is_an_engine(engine: MemoryEngine) -> Engine:
    """Let the type checker compare the engine with its interface."""
    return engine
