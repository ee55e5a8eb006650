"""One stream on its way in: every step of the policy, in its order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from trunkline.app.connection import AppConnection
from trunkline.app.equipment import equip
from trunkline.app.expiry import Expiry
from trunkline.app.http import HttpRequest
from trunkline.app.http_route import HttpRoute
from trunkline.app.policy import AppAuthenticator
from trunkline.app.preface import ProxyPreface
from trunkline.app.routes import Match
from trunkline.app.step import Step
from trunkline.app.websocket_route import WebSocketRoute
from trunkline.auth.challenge import TokenFollows
from trunkline.auth.identity import Identity
from trunkline.connection.setting import Setting
from trunkline.engines.engine import Stream
from trunkline.errors import RequestRefused
from trunkline.protocol.handshake import Upgrade, check_request, listed, negotiate
from trunkline.protocol.http1 import Request, Response, parse_any_request
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

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""RFC 9110 §9.2.1: they change nothing, so that any page may send them."""


class Visit:
    """Somebody at the door, and later inside: the desk for one stream.

    Args:
        service: what is served here.
        setting: of connections, unless a route has its own.
        stream: carries the request.
    """

    __slots__ = (
        *("_bucket", "_connection", "_expiry", "_service", "_setting", "_stream"),
        *("address", "arrived_at", "identity", "params", "peer", "preface", "route", "step"),
    )

    waits = True

    def __init__(self, service: Service, setting: Setting, stream: Stream) -> None:
        self._service = service
        self._setting = setting
        self._stream = stream
        self._bucket: str | None = None
        self._connection: AppConnection | None = None
        self._expiry: Expiry | None = None
        self.arrived_at = setting.engine.now()
        self.peer = self.address = peer_address(stream)
        self.step = Step.ARRIVAL
        self.identity: Identity | None = None
        self.params: Mapping[str, Any] = {}
        self.route: str | None = None
        """The path of the route, with the names of its parameters; `None`: none was found."""
        self.preface: Preface | None = None
        if service.policy.proxy_protocol and service.policy.proxies.is_trusted(self.peer):
            self.preface = ProxyPreface(self)

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
        wait = handshakes.admit(bucket, self._setting.engine.now()) if handshakes else 0.0
        if handshakes and wait:
            raise too_often("handshakes from this address", handshakes.rate, wait)

    def read(self, head: bytes) -> Request:
        """Read the head of any request."""
        return parse_any_request(head, self._setting.limits)

    def body_size(self, request: Request) -> int:
        """Give how many bytes of a body follow; an upgrade has none."""
        limit = 0 if is_upgrade(request) else self._setting.limits.max_body
        return body_size(request, limit)

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
        self.address = client.address
        if self._bucket is None:
            self.step = Step.ARRIVAL
            self._enter()
        self.step = Step.HOST
        check_host(request, policy.hosts, client.host)

    def _find(self, request: Request) -> Match[Any]:
        self.step = Step.ROUTE
        path = request.path.partition("?")[0]
        routes = self._service.app.routes
        method = request.headers["Access-Control-Request-Method"] if is_preflight(request) else None
        return routes.find(path, method or request.method, is_upgrade=is_upgrade(request))

    async def _authenticate(self, authenticator: AppAuthenticator, request: Request) -> bool:
        """Find out who asks; say whether that is told in the first message."""
        self.step = Step.AUTH
        if authenticator is None:
            return False
        try:
            self.identity = await authenticator.authenticate(request)
        except TokenFollows:
            return True
        finally:
            authenticator.conceal(request)
        self.take_place_of_user()
        return False

    def take_place_of_user(self) -> None:
        """Take one of the places for connections that the user has.

        Raises:
            RequestRefused: there is none left.
        """
        self.step = Step.USER
        if self.identity is not None:
            self._service.enter_user(self, self.identity.user)

    # A WebSocket

    async def _admit(self, route: WebSocketRoute, request: Request) -> Admission:
        self.step = Step.UPGRADE
        upgrade = check_request(request)
        self.step = Step.ORIGIN
        check_origin(request, route.origins)
        follows = await self._authenticate(route.authenticator, request)
        self.step = Step.HANDLER
        subprotocol = self._choose_subprotocol(route, upgrade)
        agreement, response = negotiate(upgrade, subprotocol, self._service.policy.deflate)
        setting = self._service.setting_for(route, self._setting)
        connection, events, coroutine = equip(self, route, request, setting, self._stream, follows)
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
        policy, route = self._service.policy, match.route
        if is_preflight(request):
            return answer_preflight(request, policy.origins, sorted(route.methods))
        self.step = Step.ORIGIN
        if request.method not in SAFE_METHODS:
            check_origin(request, policy.origins)
        if await self._authenticate(route.authenticator, request):
            raise RequestRefused(HTTPStatus.UNAUTHORIZED, "a token is missing")
        self.step = Step.HANDLER
        asked = HttpRequest(request, self.address, self.identity, match.params)
        response = await route.answer(asked, match.params)
        for name, value in cors_headers(request, policy.origins).raw_items():
            response.headers.add(name, value)
        self._service.observers.answered(self, response)
        return response

    # Inside

    @property
    def connection(self) -> AppConnection | None:
        """The WebSocket, once there is one."""
        return self._connection

    @property
    def service(self) -> Service:
        """What is served here."""
        return self._service

    def identify(self, identity: Identity) -> None:
        """Take note of who it is, or of a new token of the same user.

        Raises:
            RequestRefused: it is another user, or one with too many connections.
        """
        if self.identity is None:
            self.identity = identity
            self.take_place_of_user()
        elif identity.user != self.identity.user:
            raise RequestRefused(HTTPStatus.FORBIDDEN, "this token is another user's")
        self.identity = identity
        self._watch_expiry()

    def _watch_expiry(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
        identity = self.identity
        if (
            identity is not None
            and identity.expires_at is not None
            and self._connection is not None
        ):
            self._expiry = Expiry(self._connection, identity.expires_at, self._service.now)
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

    def over(self, connection: AppConnection) -> None:
        """The connection is gone; more calls do no harm."""
        if self._connection is not None:
            self._service.closed_by(self, connection)
            self._go()

    def _go(self) -> None:
        """Give all places back."""
        self._connection = None
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


def is_upgrade(request: Request) -> bool:
    """Whether a request asks for a WebSocket."""
    return "websocket" in listed(request.headers, "Upgrade")
