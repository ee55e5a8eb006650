"""An `App` of ours inside of another ASGI application: its routes, its policy, its limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from http import HTTPStatus

from trunkline.app.app import App
from trunkline.app.connection import AppConnection
from trunkline.app.routing.websocket_route import WebSocketRoute
from trunkline.app.service import Service
from trunkline.app.visit import Visit
from trunkline.connection.setting import Setting
from trunkline.engines.choose import current_engine
from trunkline.errors import RequestRefused
from trunkline.integrations.asgi_answers import accept, refuse, respond
from trunkline.integrations.asgi_stream import AsgiStream
from trunkline.integrations.interface import Receive, Scope, Send
from trunkline.integrations.scope import request_of
from trunkline.limits import Limits
from trunkline.protocol.handshake import VERSION
from trunkline.protocol.http1 import Request, Response
from trunkline.protocol.role import Role
from trunkline.server.beginning import begin
from trunkline.server.desk import Admission
from trunkline.server.front_desk import refusal
from trunkline.server.handler import CoroutineHandler
from trunkline.server.opening import not_decided

UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    "Sec-WebSocket-Version": VERSION,
}
"""What a server has seen of every WebSocket; some pass only the rest on."""

NOT_RUNNING = (
    "mounted without a lifespan: on_start, on_stop and lifespan= are not called; "
    "have `async with mounted.running():` in that of the outer application"
)


class AsgiService(Service):
    """An application at work behind another server, which compresses and pings in its place.

    Args:
        app: has routes and policy.
    """

    def __init__(self, app: App) -> None:
        super().__init__(app, app.observers)
        self.policy = replace(app.policy, deflate=None)
        engine, limits = current_engine(), without_pings(app.policy.limits)
        self.setting = Setting(engine, Role.SERVER, limits, app.logger, self.when_lost)

    def limits_of(self, route: WebSocketRoute) -> Limits:
        """Give the limits of a route's connections."""
        return without_pings(route.limits)


def without_pings(limits: Limits) -> Limits:
    """Give limits of connections whose pings, and what depends on them, are the server's."""
    return replace(limits, ping_interval=None, max_stall=None)


class AsgiApp:
    """An ASGI application of an `App`; `as_asgi()` makes it.

    Where it is mounted in another application, nobody tells it of beginning and end: that one's
    lifespan has `async with mounted.running():` then.

    Args:
        app: its routes are below the mount.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._service: AsgiService | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Have the lifespan of the application around this block; at its end, cut who is there."""
        async with await self._app.lifecycle.start(self._app):
            service = self._at_work()
            try:
                yield
            finally:
                service.is_ready = False
                service.cut()
                service.end()
                self._service = None

    def _at_work(self) -> AsgiService:
        if self._service is None:
            self._service = AsgiService(self._app)
            self._service.begin()
        return self._service

    def _asked(self) -> AsgiService:
        """Be asked for something, perhaps without having been told of a beginning."""
        if self._service is None:
            self._app.logger.warning("%s", NOT_RUNNING)
        return self._at_work()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, answer one request, or live with a server."""
        match scope["type"]:
            case "websocket":
                await self._serve(scope, receive, send)
            case "http":
                await self._answer(scope, receive, send)
            case "lifespan":
                await self._live(receive, send)
            case kind:
                raise ValueError(f"ASGI scope {kind!r} is not known here")

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with self.running():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    # WebSockets

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (await receive())["type"] != "websocket.connect":
            return
        service = self._asked()
        stream = AsgiStream(service.setting.engine, scope, receive, send, service.setting.limits)
        visit = service.new_desk(service.setting, stream)
        try:
            visit.greet()
            admission = await decide_in_time(visit, upgrade_of(scope))
        except RequestRefused as refused:
            visit.refused(refused)
            visit.left(None)
            await refuse(scope, send, refused)
            return
        except BaseException:
            visit.left(None)
            raise
        assert isinstance(admission, Admission)
        await self._converse(service, visit, admission, stream)

    async def _converse(
        self, service: AsgiService, visit: Visit, admission: Admission, stream: AsgiStream
    ) -> None:
        """Carry messages until the connection is over, and its handler has ended."""
        ended = asyncio.Event()
        if admission.coroutine is None:
            ended.set()
        else:
            told = partial(tell_end, admission.coroutine, ended)
            admission = replace(admission, coroutine=told)
        visit.left(admission)
        # It is open before it is accepted: whoever is disconnected meanwhile is closed.
        begin(service, self._app.options(), admission, b"")
        try:
            await stream.carry(accept(admission.agreement.subprotocol))
        finally:
            admission.connection.abort()
            await ended.wait()

    # HTTP

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        service = self._asked()
        stream = AsgiStream(service.setting.engine, scope, receive, send, service.setting.limits)
        visit = service.new_desk(service.setting, stream)
        try:
            visit.greet()
            response = await self._decide(visit, scope, receive)
        except RequestRefused as refused:
            visit.refused(refused)
            response = refusal(refused)
        finally:
            visit.left(None)
        await respond(send, "http.response", response)

    async def _decide(self, visit: Visit, scope: Scope, receive: Receive) -> Response:
        request = request_of(scope)
        request.method = scope["method"]
        request.body = await read_body(receive, visit.body_size(request))
        decision = await decide_in_time(visit, request)
        assert isinstance(decision, Response)
        return decision


async def decide_in_time(visit: Visit, request: Request) -> Admission | Response:
    """Decide about a request; the server that passes it on has no deadline for that.

    Raises:
        RequestRefused: also with 503, where the decision takes longer than `open_timeout`.
    """
    app = visit.service.app
    limit = app.policy.limits.open_timeout
    try:
        async with asyncio.timeout(limit):
            return await visit.decide(request)
    except TimeoutError:
        app.logger.warning("%s has not ended, and open_timeout is %s s", visit.busy_with, limit)
        raise not_decided(limit) from None


async def tell_end(coroutine: CoroutineHandler, ended: asyncio.Event, ws: AppConnection) -> None:
    """Run a handler, and tell of its end."""
    try:
        await coroutine(ws)
    finally:
        ended.set()


def upgrade_of(scope: Scope) -> Request:
    """Give the opening request, whole as its server has seen it."""
    request = request_of(scope)
    for name, value in UPGRADE.items():
        if name not in request.headers:
            request.headers[name] = value
    return request


async def read_body(receive: Receive, size: int) -> bytes:
    """Read the body of a request, of which no more is taken than it has told beforehand.

    Raises:
        RequestRefused: with 413, where there is more all the same.
    """
    body, is_whole = bytearray(), False
    while not is_whole:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RequestRefused(HTTPStatus.BAD_REQUEST, "the client has gone")
        body += message.get("body", b"")
        is_whole = not message.get("more_body", False)
        if len(body) > size:
            reason = f"body is over {size:,} bytes, which were told beforehand"
            raise RequestRefused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, reason)
    return bytes(body)
