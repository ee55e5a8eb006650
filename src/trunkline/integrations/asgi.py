"""Handlers of Trunkline inside of FastAPI, Starlette, or any other ASGI application.

app.mount("/live", trunkline.integrations.asgi.as_asgi(handler))
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from http import HTTPStatus
from typing import NoReturn, Protocol, Unpack, cast, overload

from trunkline.app.app import App
from trunkline.connection.events import Events
from trunkline.connection.fragments import BytesLike
from trunkline.connection.pings import RoundTrip
from trunkline.connection.setting import Setting
from trunkline.engines.choose import current_engine
from trunkline.errors import RequestRefused, UsageError
from trunkline.integrations.asgi_answers import accept, live, refuse, refuse_http
from trunkline.integrations.asgi_app import AsgiApp, without_pings
from trunkline.integrations.asgi_stream import AsgiStream
from trunkline.integrations.interface import Message, Receive, Scope, Send
from trunkline.integrations.scope import request_of
from trunkline.limits import DEFAULT_LIMITS, LimitOptions, Limits, with_options
from trunkline.protocol.handshake import (
    Agreement,
    check_subprotocols,
    offered_subprotocols,
)
from trunkline.protocol.http1 import Request, Response
from trunkline.protocol.role import Role
from trunkline.server.beginning import begin
from trunkline.server.connection import ServerConnection
from trunkline.server.desk import Admission
from trunkline.server.handler import Handler, as_coroutine, as_source, make_events
from trunkline.server.options import SelectSubprotocol, ServerOptions
from trunkline.server.origin import SAME_ORIGIN, Origins, check_origin, check_origins, freeze
from trunkline.server.subprotocol import ask_for_subprotocol
from trunkline.server.subprotocol import select_subprotocol as choose_subprotocol
from trunkline.server.watch import Watch

Answer = tuple[Handler, str | None]
"""A handler as `serve()` takes it, and the subprotocol that is spoken."""


ACCEPTED = Response(int(HTTPStatus.SWITCHING_PROTOCOLS), HTTPStatus.SWITCHING_PROTOCOLS.phrase)
"""What the server answers in our place."""


class Entry(Protocol):
    """Decides about opening requests: what `as_asgi()` mounts."""

    async def answer(self, connection: ServerConnection, request: Request) -> Answer:
        """Give the handler of a connection.

        Args:
            connection: not open yet.
            request: that opens it; its path is what follows the mount.

        Raises:
            RequestRefused: with the status for the client.
        """


class AsgiConnection(ServerConnection):
    """A connection whose socket is an ASGI server's: it does everything but pings."""

    def ping(self, data: str | BytesLike | None = None) -> Awaitable[RoundTrip]:
        """Refuse: ASGI has no pings."""
        raise_no_pings()

    async def pong(self, data: str | BytesLike = b"") -> None:
        """Refuse: ASGI has no pongs."""
        raise_no_pings()


def raise_no_pings() -> NoReturn:
    """Say what to do instead."""
    raise UsageError("ASGI has no pings: let the server send them, as uvicorn does every 20 s")


class OneHandler:
    """Lets in who may connect, all to the same handler; an `Entry`.

    Args:
        handler: as `serve()` takes it.
        origins: pages that may connect.
        subprotocols: supported ones, the preferred one first.
        select_subprotocol: chooses instead.
    """

    def __init__(
        self,
        handler: Handler,
        origins: Origins,
        subprotocols: Sequence[str],
        select_subprotocol: SelectSubprotocol | None,
    ) -> None:
        check_origins(origins)
        check_subprotocols(subprotocols)
        as_source(handler)  # which says what is wrong with it
        self._handler = handler
        self._origins = freeze(origins)
        self._subprotocols = tuple(subprotocols)
        self._select_subprotocol = select_subprotocol

    async def answer(self, connection: ServerConnection, request: Request) -> Answer:
        """Give the handler; raise `RequestRefused` for a page that may not connect."""
        if "Origin" in request.headers:
            check_once(request)
        check_origin(request, self._origins)
        offered = offered_subprotocols(request.headers)
        if self._select_subprotocol is None:
            return self._handler, choose_subprotocol(offered, self._subprotocols)
        chosen = ask_for_subprotocol(self._select_subprotocol, connection, offered)
        return self._handler, chosen


def check_once(request: Request) -> None:
    """Refuse two headers where one says who is asking, or who is asked: servers differ in that."""
    for name in ("Origin", "Host"):
        if len(request.headers.get_all(name)) != 1:
            reason = f"request has {len(request.headers.get_all(name))} {name} headers, not one"
            raise RequestRefused(HTTPStatus.BAD_REQUEST, reason)


class AsgiApplication:
    """An ASGI application of WebSockets; `as_asgi()` makes it.

    Args:
        entry: decides about each request.
        limits: of the connections; the pings and the opening handshake are the server's.
        logger: told of refusals, and of errors in handlers.
    """

    def __init__(self, entry: Entry, limits: Limits, logger: logging.Logger) -> None:
        self._entry = entry
        self._limits = without_pings(limits)
        self._logger = logger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, answer one request, or live with a server."""
        match scope["type"]:
            case "websocket":
                await self._serve(scope, receive, send)
            case "http":
                await refuse_http(scope, send)
            case "lifespan":
                await live(receive, send)
            case kind:
                raise ValueError(f"ASGI scope {kind!r} is not known here")

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (await receive())["type"] != "websocket.connect":
            return
        watch = Watch()
        engine = current_engine()
        stream = AsgiStream(engine, scope, receive, send, self._limits)
        setting = Setting(engine, Role.SERVER, self._limits, self._logger, watch.lost)
        connection = AsgiConnection(setting, stream)
        connection.request = request_of(scope)
        try:
            handler, subprotocol = await self._entry.answer(connection, connection.request)
        except RequestRefused as refused:
            self._logger.info("refused a request: %s", refused)
            await refuse(scope, send, refused)
            return
        events = new_events(handler, connection.request)
        agreement, coroutine = Agreement(subprotocol), as_coroutine(handler)
        admission = Admission(connection, ACCEPTED, agreement, events, coroutine)
        begin(watch, self._options(handler), admission, b"")
        await self._converse(watch, stream, accept(subprotocol))

    async def _converse(self, watch: Watch, stream: AsgiStream, acceptance: Message) -> None:
        """Carry messages until the connection is over, and its handler has ended."""
        try:
            await stream.carry(acceptance)
        except asyncio.CancelledError:
            for opening in watch.openings.copy():
                opening.cut()
            raise
        finally:
            await watch.leave(None)

    def _options(self, handler: Handler) -> ServerOptions:
        return ServerOptions(
            coroutine=as_coroutine(handler),
            events=as_source(handler),
            origins=None,
            subprotocols=(),
            select_subprotocol=None,
            deflate=None,
            process_request=None,
            process_response=None,
            server_header=None,
            limits=self._limits,
            logger=self._logger,
        )


def new_events(handler: Handler, request: Request) -> Events | None:
    """Give the events of a connection, where its handler is none that is called."""
    source = as_source(handler)
    return None if source is None else make_events(source, request)


@overload
def as_asgi(handler: App) -> AsgiApp: ...
@overload
def as_asgi(
    handler: Handler | Entry,
    *,
    origins: Origins = SAME_ORIGIN,
    subprotocols: Sequence[str] | None = None,
    select_subprotocol: SelectSubprotocol | None = None,
    logger: logging.Logger | None = None,
    limits: Limits = DEFAULT_LIMITS,
    **options: Unpack[LimitOptions],
) -> AsgiApplication: ...
def as_asgi(
    handler: Handler | Entry | App,
    *,
    origins: Origins = SAME_ORIGIN,
    subprotocols: Sequence[str] | None = None,
    select_subprotocol: SelectSubprotocol | None = None,
    logger: logging.Logger | None = None,
    limits: Limits = DEFAULT_LIMITS,
    **options: Unpack[LimitOptions],
) -> AsgiApplication | AsgiApp:
    """Make an ASGI application of a handler, to be mounted in another: `app.mount("/live", ...)`.

    The handler's connection does what every `ServerConnection` does, except for pings, which are
    the server's. `request.path` is what follows the mount, and `get_extra_info("scope")` gives
    what middleware has found out.

    Args:
        handler: as `serve()` takes it; an `App`, with its routes and its policy; or an `Entry`,
            which decides about everything by itself.
        origins: pages that may connect, as in `serve()`: by default those from the host that they
            connect to.
        subprotocols: supported ones, the preferred one first.
        select_subprotocol: chooses from what the client offers, instead of `subprotocols`.
        logger: instead of `logging.getLogger("trunkline.server")`.
        limits: every limit at once; the outer server's hold as well.
        options: single limits, as in `serve()`.

    Raises:
        TypeError, ValueError: an argument cannot be meant like that.
    """
    if isinstance(handler, App):
        given = (origins is not SAME_ORIGIN, subprotocols, select_subprotocol, logger, options)
        if any(given) or limits is not DEFAULT_LIMITS:
            raise TypeError("an App says all of that itself, where it is made: give it alone")
        return AsgiApp(handler)
    entry: Entry
    if hasattr(handler, "answer"):
        entry = cast(Entry, handler)
    else:
        entry = OneHandler(handler, origins, subprotocols or (), select_subprotocol)
    return AsgiApplication(
        entry, with_options(limits, options), logger or logging.getLogger("trunkline.server")
    )
