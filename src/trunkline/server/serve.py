"""A server's life: listen, accept, close."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl as ssl_module
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self, Unpack

from trunkline.close_codes import CloseCode
from trunkline.connection.setting import Setting
from trunkline.connection.traffic import Traffic, new_traffic
from trunkline.engines.choose import current_engine
from trunkline.engines.engine import Address, Listener, Stream, Tls
from trunkline.errors import InvalidState, RequestRefused
from trunkline.limits import (
    DEFAULT_LIMITS,
    SHUTDOWN_RETRY_AFTER,
    TLS_GRACE,
    LimitOptions,
    Limits,
    with_options,
)
from trunkline.protocol.extensions import Deflate, choose_deflate
from trunkline.protocol.handshake import check_subprotocols
from trunkline.protocol.retry_hint import refused_for_now
from trunkline.protocol.role import Role
from trunkline.server.connection import ServerConnection
from trunkline.server.desk import Desk
from trunkline.server.entrance import open_entrance
from trunkline.server.excess import WhenDropped, told_of_drops
from trunkline.server.front_desk import FrontDesk
from trunkline.server.handler import Handler, as_coroutine, as_source
from trunkline.server.opening import Opening
from trunkline.server.options import (
    ProcessRequest,
    ProcessResponse,
    SelectSubprotocol,
    ServerOptions,
)
from trunkline.server.origin import SAME_ORIGIN, Origins, check_origins, freeze
from trunkline.server.roll import open_roll
from trunkline.server.watch import Watch
from trunkline.version import VERSION

if TYPE_CHECKING:
    from trunkline.native.arrival import Entrance

SERVER_HEADER = f"trunkline/{VERSION}"

DeskSource = Callable[[Setting, Stream], Desk]
"""Makes who decides about a stream's request."""


class Server:
    """A listening server; `serve()` and `App` make it.

    `async with` starts it and closes it at the end; `await` starts it.

    Args:
        address: where to listen.
        tls: secures every stream; `None` for ws:// in the clear.
        options: of the handler, and of the opening handshake.
        watch: keeps who is there.
        new_desk: makes who decides about requests; by default it is as `options` say.
        has_preface: whether its desks may have something to read, before TLS where there is any.
    """

    def __init__(
        self,
        address: Address,
        tls: Tls | None,
        options: ServerOptions,
        *,
        watch: Watch | None = None,
        new_desk: DeskSource | None = None,
        has_preface: bool = False,
    ) -> None:
        self._address = address
        # Behind a preface, TLS is the business of each opening.
        self._tls = None if has_preface else tls
        self._later_tls = with_patience(tls) if has_preface and tls is not None else None
        self._options = options
        self._watch = watch or Watch()
        self._new_desk = new_desk
        self._traffic = new_traffic()
        self._setting: Setting | None = None
        self._entrance: Entrance | None = None
        self._binding = asyncio.Lock()
        self._listener: Listener | None = None
        self._closing: asyncio.Task[None] | None = None
        self._is_serving = False

    # Starting

    def __await__(self) -> Generator[Any, None, Self]:
        return self._start().__await__()

    async def __aenter__(self) -> Self:
        return await self._start()

    async def _start(self) -> Self:
        await self.bind()
        await self.start_serving()
        return self

    async def bind(self) -> None:
        """Take the address, without accepting anybody yet.

        Raises:
            InvalidState: the server has been closed.
            OSError: the address cannot be had.
        """
        async with self._binding:
            self._check_not_closed()
            if self._listener is None:
                await self._listen()

    async def _listen(self) -> None:
        engine, options = current_engine(), self._options
        self._setting = Setting(
            engine,
            Role.SERVER,
            options.limits,
            options.logger,
            self._watch.when_lost,
            options.when_dropped,
            traffic=self._traffic,
        )
        if self._new_desk is None:
            self._entrance = open_entrance(self._setting, options, self._watch, self._accept)
        self._watch.connections = open_roll(self._setting)
        engine.poll_busily(options.limits.busy_poll)
        listener = await engine.listen(
            self._address,
            self._accept if self._entrance is None else self._entrance,
            tls=self._tls,
            write_limit=options.limits.write_limit,
        )
        if self._closing is not None:
            listener.close()
        self._check_not_closed()
        self._listener = listener

    def _check_not_closed(self) -> None:
        if self._closing is not None:
            raise InvalidState("the server has been closed; serve() makes another")

    async def start_serving(self) -> None:
        """Begin to accept connections; nothing happens when that has begun."""
        await self.bind()
        assert self._listener is not None
        await self._listener.start()
        self._check_not_closed()
        self._is_serving = True

    def _accept(self, stream: Stream, waited: float = 0.0) -> Opening:
        assert self._setting is not None
        reception = None if self._entrance is None else self._entrance.reception
        opening = Opening(
            self._setting,
            stream,
            self._options,
            self._watch,
            self._desk_for(self._setting, stream),
            reception,
            waited=waited,
            tls=self._later_tls,
        )
        self._watch.openings.add(opening)
        if self._closing is not None:
            opening.refuse(shutting_down())
        else:
            opening.greet()
        return opening

    def _desk_for(self, setting: Setting, stream: Stream) -> Desk:
        """Give who decides about a stream's request."""
        if self._new_desk is None:
            return FrontDesk(setting, stream, self._options)
        return self._new_desk(setting, stream)

    # What is known

    @property
    def sockets(self) -> Sequence[socket.socket]:
        """The listening sockets."""
        return () if self._listener is None else self._listener.sockets

    @property
    def connections(self) -> set[ServerConnection]:
        """The connections that are open or closing."""
        return set(self._watch.connections)

    @property
    def traffic(self) -> Traffic:
        """What has gone through all connections so far: counts that begin at 0 and only grow.

        They are `messages_received`, `messages_sent`, `bytes_received`, `bytes_sent`, and what
        became of peers above a rate: `dropped`, `paused`, `closed`. `discarded` are those of
        `messages_received` that nobody had taken at a `dismiss()`. An `App` has them by route.
        """
        return self._traffic

    def is_serving(self) -> bool:
        """Whether connections are accepted."""
        return self._is_serving

    # Serving and closing

    async def serve_forever(self) -> None:
        """Serve until `close()`, or until this is cancelled, which closes the server."""
        if self._closing is None:
            await self.start_serving()
        try:
            await self._watch.wait_closed()
        finally:
            self.close()
            await self.wait_closed()

    def close(
        self,
        close_connections: bool = True,
        code: int = CloseCode.GOING_AWAY,
        reason: str = "",
    ) -> None:
        """Begin to close: accept no more, refuse with 503 who is on the way in.

        Args:
            close_connections: whether to close those that are open, too.
            code: the close code for them.
            reason: the words for them.
        """
        if self._closing is None:
            self._is_serving = False
            closing = self._close(close_connections, code, reason)
            self._closing = asyncio.get_running_loop().create_task(closing)

    def stop_accepting(self) -> None:
        """Let go of the address; who was accepted before may still open a connection."""
        self._is_serving = False
        if self._listener is not None:
            self._listener.close()

    async def wait_closed(self) -> None:
        """Wait until everybody has left and every handler has ended."""
        await self._watch.wait_closed()

    async def __aexit__(self, *exc_info: object) -> None:
        self.close()
        await self.wait_closed()

    async def _close(self, close_connections: bool, code: int, reason: str) -> None:
        if self._listener is not None:
            self._listener.close()
        if self._entrance is not None:
            self._entrance.close()
        for opening in self._watch.openings.copy():
            opening.refuse(shutting_down())
        if close_connections:
            for connection in self.connections:
                connection.close_soon(code, reason)
        await self._watch.leave(self._options.limits.close_timeout if close_connections else None)


def with_patience(tls: Tls) -> Tls:
    """Leave the deadline to the opening, which began before, and counts who is late."""
    seconds = tls.handshake_timeout
    return tls if seconds is None else replace(tls, handshake_timeout=seconds + TLS_GRACE)


def shutting_down() -> RequestRefused:
    """Make the answer to whoever comes too late."""
    return refused_for_now("the server is shutting down", SHUTDOWN_RETRY_AFTER)


def serve(
    handler: Handler,
    host: str | Sequence[str] | None = None,
    port: int | None = None,
    *,
    path: str | None = None,
    sock: socket.socket | None = None,
    ssl: ssl_module.SSLContext | None = None,
    family: int = 0,
    reuse_port: bool | None = None,
    origins: Origins = SAME_ORIGIN,
    subprotocols: Sequence[str] | None = None,
    select_subprotocol: SelectSubprotocol | None = None,
    compression: Deflate | str | None = "deflate",
    process_request: ProcessRequest | None = None,
    process_response: ProcessResponse | None = None,
    when_dropped: WhenDropped | None = None,
    server_header: str | None = SERVER_HEADER,
    logger: logging.Logger | None = None,
    limits: Limits = DEFAULT_LIMITS,
    **options: Unpack[LimitOptions],
) -> Server:
    """Make a WebSocket server: `async with serve(...) as server`, or `server = await serve(...)`.

    Args:
        handler: a coroutine function that takes a connection, which is closed when it returns,
            or what wraps one by `functools.wraps()`; a subclass of `Events`, with one instance for
            each connection; an instance of one, for all of them; or a function that takes the
            opening request and returns `Events`.
            What it raises, sys.exit() included, is logged, and closes its connection with 1011.
        host: address to listen at, or several; `None` for every interface.
        port: port to listen at; 0 for one that is free.
        path: path of a Unix socket to listen at, instead of host and port.
        sock: a socket to listen at, bound already, instead of host and port.
        ssl: TLS context; `None` serves ws:// in the clear.
        family: `socket.AF_INET` or `socket.AF_INET6`, to listen with one of them only.
        reuse_port: whether several processes may listen at the same port.
        origins: pages that may connect: by default those from the host that they connect to.
            A list of origins and patterns, with `None` in it for clients without Origin, as it
            is now; or `None` instead of a list for everybody.
        subprotocols: supported ones, the preferred one first.
        select_subprotocol: chooses from what the client offers, instead of `subprotocols`.
        compression: "deflate", a `Deflate` with details, or `None` for none.
        process_request: called with connection and request before anything else is checked; may
            return a response of its own, and may be a coroutine function.
        process_response: called with connection, request and response, a refusal as well, before
            that is sent; may
            change it or return another, and may be a coroutine function.
        when_dropped: called with connection and message for each message that was above
            `message_rate` and dropped, where `limits` have `on_excess=Excess.DROP`; to tell the
            peer, it uses `send_soon()`.
        server_header: value of Server; `None` for none.
        logger: instead of `logging.getLogger("trunkline.server")`.
        limits: every limit at once.
        options: single limits: `max_size`, `max_queue`, `write_limit` in messages and bytes,
            `open_timeout`, `close_timeout`, `ping_interval`, `ping_timeout`, `busy_poll` in
            seconds.

    Raises:
        TypeError, ValueError: an argument cannot be meant like that.
    """
    limits = with_options(limits, options)
    check_origins(origins)
    check_subprotocols(subprotocols or ())
    if path is not None and (host is not None or port is not None or sock is not None):
        raise ValueError("path of a Unix socket excludes host, port and sock")
    if sock is not None and (host is not None or port is not None):
        raise ValueError("sock excludes host and port")
    if host is None and port is None and path is None and sock is None:
        raise ValueError("a server needs host and port, path or sock")
    return Server(
        Address(host=host, port=port, path=path, sock=sock, family=family, reuse_port=reuse_port),
        None if ssl is None else Tls(context=ssl, handshake_timeout=limits.open_timeout),
        ServerOptions(
            coroutine=as_coroutine(handler),
            events=as_source(handler),
            origins=freeze(origins),
            subprotocols=tuple(subprotocols or ()),
            select_subprotocol=select_subprotocol,
            deflate=choose_deflate(compression),
            process_request=process_request,
            process_response=process_response,
            server_header=server_header,
            limits=limits,
            logger=logger or logging.getLogger("trunkline.server"),
            when_dropped=told_of_drops(when_dropped, limits),
        ),
    )


def unix_serve(handler: Handler, path: str | None = None, **options: Any) -> Server:
    """Make a server at a Unix socket: `serve()` with `path` in the second place.

    Raises:
        TypeError, ValueError: an argument cannot be meant like that, or neither `path` nor `sock`
            is given.
    """
    if path is None and options.get("sock") is None:
        raise ValueError("a server at a Unix socket needs path or sock")
    return serve(handler, path=path, **options)
