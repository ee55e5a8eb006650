"""Connect to a server: once, or again and again."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl as ssl_module
from collections.abc import AsyncIterator, Callable, Generator, Sequence
from types import TracebackType
from typing import Any, Literal, Unpack

from trunkline.client.connection import ClientConnection
from trunkline.client.opening import open_connection
from trunkline.client.options import ClientOptions
from trunkline.client.reconnect import Decision, Reconnection
from trunkline.connection.events import Events
from trunkline.connection.state import State
from trunkline.errors import OK_CODES, UsageError
from trunkline.limits import DEFAULT_LIMITS, Backoff, LimitOptions, Limits, with_options
from trunkline.protocol.extensions import Deflate, choose_deflate
from trunkline.protocol.handshake import check_subprotocols
from trunkline.protocol.headers import Headers, HeadersLike
from trunkline.protocol.uri import parse_uri
from trunkline.version import VERSION

USER_AGENT = f"trunkline/{VERSION}"


class connect:
    """A connection to a WebSocket server, in one of three ways.

        ws = await connect(uri)                  # close it yourself
        async with connect(uri) as ws: ...       # closed at the end, with 1011 after an exception
        async for ws in connect(uri): ...        # the next one after an unclean end

    The loop comes back by itself after every unclean end, with exponential backoff and full
    jitter, at once only after a connection that had been stable. It ends when both sides have
    said goodbye, and raises where coming back is useless: after an answer of 4xx without
    Retry-After, a certificate that is not trusted, or a final close code. In it, `async for`
    over the messages of a connection ends without an error; `recv()` and `send()` raise
    `ConnectionClosed`, and to go on with the next connection is to catch that and `continue`.

    Args:
        uri: ws:// or wss:// address; credentials in it become Authorization.
        events: a subclass of `Events`, or a function that makes one; without it, `recv()`.
        origin: value of Origin.
        subprotocols: to offer, the preferred one first.
        compression: "deflate", a `Deflate` with details, or `None` for none.
        additional_headers: further header fields of the request.
        user_agent_header: value of User-Agent; `None` for none.
        proxy: address of a proxy, http://, https:// or socks5://; `True` for that of the
            environment, `None` for none.
        ssl: TLS context for wss://; by default one that trusts what the system trusts. Its
            `wrap_bio()` makes the TLS object of each connection, so that a subclass can give it a
            `session=` to take up again: `get_extra_info("ssl_object").session` of an earlier one.
        proxy_ssl: TLS context for an https:// proxy.
        server_hostname: name in the server's certificate, where it is not that of the URI.
        host: host to connect to, where it is not that of the URI.
        port: port to connect to, where it is not that of the URI.
        path: path of a Unix socket to connect to.
        sock: a connected socket.
        family: `socket.AF_INET` or `socket.AF_INET6`, for one of them only.
        local_addr: host and port to connect from.
        process_exception: decides about an error before a connection, in `async for`: `None`
            means to try again, an exception is raised. By default see `on_reconnect`.
        on_reconnect: called in `async for` with every `Decision` to come back or not.
        backoff: delays of `async for`.
        logger: instead of `logging.getLogger("trunkline.client")`.
        limits: every limit at once.
        options: single limits: `max_size`, `max_queue`, `write_limit` in messages and bytes,
            `open_timeout`, `close_timeout`, `ping_interval`, `ping_timeout`, `busy_poll` in
            seconds.

    Raises:
        InvalidURI: the address is no WebSocket address.
        TypeError, ValueError: an argument cannot be meant like that.
        TimeoutError: opening took longer than `open_timeout`.
        InvalidHandshake: no connection came about; `InvalidStatus` for an answer of the server's.
        OSError: the server cannot be reached; `ssl.SSLError` is one.
    """

    def __init__(
        self,
        uri: str,
        *,
        events: Callable[[], Events] | None = None,
        origin: str | None = None,
        subprotocols: Sequence[str] | None = None,
        compression: Deflate | str | None = "deflate",
        additional_headers: HeadersLike | None = None,
        user_agent_header: str | None = USER_AGENT,
        proxy: str | Literal[True] | None = True,
        ssl: ssl_module.SSLContext | None = None,
        proxy_ssl: ssl_module.SSLContext | None = None,
        server_hostname: str | None = None,
        host: str | None = None,
        port: int | None = None,
        path: str | None = None,
        sock: socket.socket | None = None,
        family: int = 0,
        local_addr: tuple[str, int] | None = None,
        process_exception: Callable[[Exception], Exception | None] | None = None,
        on_reconnect: Callable[[Decision], None] | None = None,
        backoff: Backoff | None = None,
        logger: logging.Logger | None = None,
        limits: Limits = DEFAULT_LIMITS,
        **options: Unpack[LimitOptions],
    ) -> None:
        self._uri = parse_uri(uri)
        if ssl is not None and not self._uri.secure:
            raise ValueError("ssl needs a wss:// address")
        check_subprotocols(subprotocols or ())
        self._options = ClientOptions(
            origin=origin,
            subprotocols=subprotocols or (),
            deflate=choose_deflate(compression),
            additional_headers=Headers(additional_headers or ()),
            user_agent=user_agent_header,
            proxy=proxy,
            ssl=ssl,
            proxy_ssl=proxy_ssl,
            server_hostname=server_hostname,
            host=host,
            port=port,
            path=path,
            sock=sock,
            family=family,
            local_addr=local_addr,
            events=events,
            limits=with_options(limits, options),
            logger=logger or logging.getLogger("trunkline.client"),
        )
        self._process_exception = process_exception
        self._on_reconnect = on_reconnect
        self._reconnection = Reconnection(backoff or Backoff())
        self._connection: ClientConnection | None = None

    # Once

    def __await__(self) -> Generator[Any, None, ClientConnection]:
        return open_connection(self._options, self._uri).__await__()

    async def __aenter__(self) -> ClientConnection:
        self._connection = await self
        return self._connection

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._connection is not None:
            await self._connection.__aexit__(exc_type, exc_value, traceback)

    # Again and again

    async def __aiter__(self) -> AsyncIterator[ClientConnection]:
        if self._options.sock is not None:
            raise UsageError("sock can be connected with once: async for needs an address")
        clock = asyncio.get_running_loop().time
        while True:
            try:
                connection = await self
            except Exception as error:
                await self._wait_after(self._decide_after_failure(error))
                continue
            connection.ends_quietly = True
            opened_at = clock()
            try:
                yield connection
            finally:
                was_left_open = connection.state is State.OPEN
                await connection.close()
            closed, lifetime = connection.closed(), clock() - opened_at
            if was_left_open:
                decision = self._reconnection.after_loop_body(closed, lifetime)
            else:
                decision = self._reconnection.after_connection(closed, lifetime)
            if not decision.retry and closed.code in OK_CODES:
                self._tell(decision)
                return
            await self._wait_after(decision)

    def _decide_after_failure(self, error: Exception) -> Decision:
        decision = self._reconnection.after_failure(error)
        if self._process_exception is None:
            return decision
        wanted = self._process_exception(error)
        if wanted is None:
            return self._reconnection.insist(decision)
        return self._reconnection.resign(decision, wanted)

    async def _wait_after(self, decision: Decision) -> None:
        self._tell(decision)
        if not decision.retry:
            raise decision.cause
        await asyncio.sleep(decision.delay)

    def _tell(self, decision: Decision) -> None:
        log = self._options.logger.info
        if decision.retry:
            log("%s; next attempt in %.1f s", decision.reason, decision.delay)
        else:
            log("%s; no further attempt", decision.reason)
        if self._on_reconnect is not None:
            self._on_reconnect(decision)


def unix_connect(path: str, uri: str = "ws://localhost/", **options: Any) -> connect:
    """Connect to a Unix socket: `connect()` with `path` in the first place."""
    return connect(uri, path=path, **options)
