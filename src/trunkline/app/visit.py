"""One stream on its way in: every step of the policy, in its order."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from trunkline.app.admission.expiry import Expiry, check_expiry
from trunkline.app.admission.policy import AppAuthenticator
from trunkline.app.admission.preface import ProxyPreface
from trunkline.app.admission.step import Step
from trunkline.app.connection import AppConnection
from trunkline.app.messages.equipment import equip
from trunkline.app.routing.http import HttpRequest, add_missing
from trunkline.app.routing.http_route import HttpRoute
from trunkline.app.routing.method import SAFE_METHODS, check_get, is_upgrade, method_of
from trunkline.app.routing.routes import Match
from trunkline.app.routing.websocket_route import WebSocketRoute
from trunkline.auth.challenge import TokenFollows
from trunkline.auth.identity import Identity
from trunkline.connection.mistake import MISTAKES
from trunkline.connection.setting import Setting
from trunkline.engines.engine import Stream
from trunkline.errors import RequestRefused
from trunkline.protocol.handshake import Upgrade, check_request, negotiate
from trunkline.protocol.http1 import Request, Response, check_no_body, parse_any_request
from trunkline.protocol.ip_address import bucket_of, normalize
from trunkline.server.allowance import too_often
from trunkline.server.body import body_size
from trunkline.server.cors import answer_preflight, cors_headers, is_preflight
from trunkline.server.desk import Admission, Preface
from trunkline.server.hosts import check_host
from trunkline.server.origin import check_origin
from trunkline.server.subprotocol import select_subprotocol

if TYPE_CHECKING:
    from trunkline.app.service import Service


class Visit:
    """Somebody at the door, and later inside: the desk for one stream.

    Args:
        service: what is served here.
        setting: of connections, unless a route has its own.
        stream: carries the request.
    """

    __slots__ = (
        *("_bucket", "_connection", "_expiry", "_host", "_is_gone", "_service", "_setting"),
        *("_speaks_tls", "_stream", "address", "arrived_at", "identity", "params", "peer"),
        *("preface", "quiet_until", "request", "route", "step"),
    )

    waits = True

    def __init__(self, service: Service, setting: Setting, stream: Stream) -> None:
        self._service = service
        self._setting = setting
        self._stream = stream
        self._bucket: str | None = None
        self._connection: AppConnection | None = None
        self._expiry: Expiry | None = None
        self._is_gone = False
        self._host: str | None = None
        self._speaks_tls: bool | None = None
        """Whether the client does, not only a proxy of its; `None`: nobody says so."""
        self.arrived_at = setting.engine.now()
        self.peer = self.address = peer_address(stream)
        self.quiet_until = self.arrived_at
        """Until when it is told nothing more of messages that were dropped."""
        self.step = Step.ARRIVAL
        self.request: Request | None = None
        """Until there is an answer."""
        self.identity: Identity | None = None
        self.params: dict[str, Any] = {}
        self.route: str | None = None
        """The path of the route, with the names of its parameters; `None`: none was found."""
        self.preface: Preface | None = None
        if service.policy.proxy_protocol and service.policy.proxies.is_trusted(self.peer):
            self.preface = ProxyPreface(self)

    @property
    def busy_with(self) -> str:
        """The step that a decision has come to, in words for the log."""
        return f"{self.step.value} of {self.route}"

    # Arriving

    def greet(self) -> None:
        """Count who comes; who comes through a trusted proxy is counted when it is known."""
        self._service.observers.arrived(self)
        if not self._service.policy.proxies.is_trusted(self.peer):
            self._enter()
        self.step = Step.REQUEST

    def _enter(self) -> None:
        """Take one of the places for connections, and one of the handshakes of an address."""
        bucket = bucket_of(self.address)
        self._service.crowd.enter(bucket)
        self._bucket = bucket
        handshakes = self._service.handshakes
        if handshakes is not None:
            wait = handshakes.admit(bucket, self._setting.engine.now())
            if wait:
                raise too_often("handshakes from this address", handshakes.rate, wait)

    def read(self, head: bytes) -> Request:
        """Read the head of any request."""
        self.request = parse_any_request(head, self._setting.limits)
        return self.request

    def body_size(self, request: Request) -> int:
        """Give how many bytes of a body follow; an upgrade has none."""
        if is_upgrade(request):
            check_no_body(request.headers)
            return 0
        return body_size(request, self._setting.limits.max_body)

    # Deciding

    async def decide(self, request: Request) -> Admission | Response:
        """Take the request through the steps of the policy."""
        self._recognize_client(request)
        match = self._find(request)
        self.params, self.route = match.params, match.route.path.template
        if isinstance(match.route, WebSocketRoute):
            return await self._admit(match.route, request)
        return await self._answer(match, request)

    def _recognize_client(self, request: Request) -> None:
        policy = self._service.policy
        self.step = Step.CLIENT
        client = policy.proxies.client_of(self.address, request.headers)
        self.address, self._host = client.address, client.host
        self._speaks_tls = client.is_secure
        if client.is_secure is None and not policy.proxies.is_trusted(self.peer):
            self._speaks_tls = self.is_secure
        if self._bucket is None:
            self.step = Step.ARRIVAL
            self._enter()
        self.step = Step.HOST
        check_host(request, policy.hosts, client.host)

    def _find(self, request: Request) -> Match[Any]:
        self.step = Step.ROUTE
        path = request.path.partition("?")[0]
        routes = self._service.app.routes
        return routes.find(path, method_of(request), is_upgrade=is_upgrade(request))

    async def _authenticate(self, authenticator: AppAuthenticator, request: Request) -> None:
        """Find out who asks.

        Raises:
            TokenFollows: the first message may tell.
            RequestRefused: it is nobody, or somebody with too many connections.
        """
        self.step = Step.AUTH
        if authenticator is None:
            return
        try:
            identity = await authenticator.authenticate(request)
        finally:
            authenticator.conceal(request)
        if identity is not None:
            self._take_place_of(identity)

    def _take_place_of(self, identity: Identity) -> None:
        """Take one of the places for connections that a user has.

        Raises:
            RequestRefused: there is none left, or the proof of who it is has expired.
        """
        check_expiry(identity, self._service.now())
        self.identity = identity
        self.step = Step.USER
        # Whoever has left while somebody found out who that was would never leave again.
        if not self._is_gone:
            self._service.enter_user(self, identity.user)

    # A WebSocket

    async def _admit(self, route: WebSocketRoute, request: Request) -> Admission:
        self.step = Step.ARRIVAL
        self._service.check_open()
        self.step = Step.UPGRADE
        check_get(request)
        upgrade = check_request(request)
        self.step = Step.ORIGIN
        check_origin(request, route.origins, self._host, is_secure=self._speaks_tls)
        token_follows = False
        try:
            await self._authenticate(route.authenticator, request)
        except TokenFollows:
            token_follows = True
        self.step = Step.HANDLER
        return self._accept(route, request, upgrade, token_follows=token_follows)

    def _accept(
        self, route: WebSocketRoute, request: Request, upgrade: Upgrade, *, token_follows: bool
    ) -> Admission:
        subprotocol = self._choose_subprotocol(route, upgrade)
        agreement, response = negotiate(upgrade, subprotocol, self._service.policy.deflate)
        setting = self._service.setting_for(route, self._setting)
        connection, events, coroutine = equip(
            self, route, request, setting, self._stream, token_follows=token_follows
        )
        connection.request, connection.response = request, response
        connection.visit = self
        self._connection = connection
        return Admission(connection, response, agreement, events, coroutine)

    def _choose_subprotocol(self, route: WebSocketRoute, upgrade: Upgrade) -> str | None:
        """Choose among what is offered, but for what is a credential in disguise."""
        offered: Sequence[str] = upgrade.subprotocols
        authenticator = route.authenticator
        if authenticator is not None:
            offered = [name for name in offered if not authenticator.is_credential(name)]
        return select_subprotocol(offered, route.subprotocols)

    # Over HTTP

    async def _answer(self, match: Match[HttpRoute], request: Request) -> Response:
        """Answer, with what lets pages of the listed origins read it, refusals included."""
        self.step = Step.ORIGIN
        origins = self._service.policy.origins
        check_single_origin(request)
        readable = cors_headers(request, origins)
        if is_preflight(request):
            response = answer_preflight(request, origins, sorted(match.route.methods))
        else:
            try:
                response = add_missing(await self._ask(match, request), readable)
            except RequestRefused as refused:
                refused.headers |= readable
                raise
        self._service.observers.answered(self, response)
        return response

    async def _ask(self, match: Match[HttpRoute], request: Request) -> Response:
        route = match.route
        if request.method not in SAFE_METHODS:
            origins = self._service.policy.origins
            check_origin(request, origins, self._host, is_secure=self._speaks_tls)
        await self._authenticate(route.authenticator, request)
        self.step = Step.HANDLER
        asked = HttpRequest(request, self.address, self.identity, match.params)
        try:
            return await route.answer(asked, match.params)
        except RequestRefused:
            raise
        except MISTAKES:
            logger = self._service.app.logger
            logger.exception("HTTP handler failed: %s %s", request.method, self.route)
        raise RequestRefused(HTTPStatus.INTERNAL_SERVER_ERROR, "see the server's log")

    # Inside

    @property
    def connection(self) -> AppConnection | None:
        """The WebSocket, once there is one."""
        return self._connection

    @property
    def service(self) -> Service:
        """What is served here."""
        return self._service

    @property
    def is_secure(self) -> bool:
        """Whether the stream is one of TLS."""
        return self._stream.get_extra_info("ssl_object") is not None

    def seconds(self) -> float:
        """Give the time since the arrival."""
        return self._setting.engine.now() - self.arrived_at

    def identify(self, identity: Identity) -> None:
        """Take note of who it is, or of a new token of the same user.

        Raises:
            RequestRefused: it is another user, or one with too many connections.
        """
        if self.identity is None:
            self._take_place_of(identity)
        elif identity.user != self.identity.user:
            raise RequestRefused(HTTPStatus.FORBIDDEN, "this token is another user's")
        else:
            check_expiry(identity, self._service.now())
            self.identity = identity
        self._watch_expiry()

    def _watch_expiry(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
        expires_at = None if self.identity is None else self.identity.expires_at
        if expires_at is not None and self._connection is not None:
            self._expiry = Expiry(self._connection, expires_at, self._service.now)
            self._expiry.start(self._setting.engine.timers)

    # Leaving

    def refused(self, refused: RequestRefused) -> None:
        """Count a refusal by the step at which it came."""
        self._service.observers.refused(self, refused)

    def left(self, admission: Admission | None) -> None:
        """Go inside, or away."""
        if admission is None or self._connection is None:
            self._go()
            return
        self._watch_expiry()
        self._service.opened_by(self, self._connection)
        self.request = None

    def over(self, connection: AppConnection) -> None:
        """The connection is gone; more calls do no harm."""
        if self._connection is not None:
            self._service.closed_by(self, connection)
            self._go()

    def _go(self) -> None:
        """Give all places back."""
        self._is_gone = True
        self._connection = self.request = None
        if self._expiry is not None:
            self._expiry.cancel()
        if self._bucket is not None:
            self._service.crowd.leave(self._bucket)
            self._bucket = None
        self._service.leave_user(self)
        self._service.observers.left(self)


def peer_address(stream: Stream) -> str:
    """Give the address of who is at the other end of a stream; `unix` for a Unix socket."""
    name = stream.get_extra_info("peername")
    return normalize(name[0]) if isinstance(name, tuple) else "unix"


def check_single_origin(request: Request) -> None:
    """Refuse a request that says twice which page it is from (RFC 6454 §7.3)."""
    if len(request.headers.get_all("Origin")) > 1:
        raise RequestRefused(HTTPStatus.BAD_REQUEST, "request has several Origin headers")
