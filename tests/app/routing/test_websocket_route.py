"""A WebSocket behind a path."""

from typing import Any

from tests.app.judge import Judge
from trunkline import Limits, Request
from trunkline.app.messages.invalid import Invalid
from trunkline.app.routing.path import Path
from trunkline.app.routing.route_handler import RouteHandler
from trunkline.app.routing.websocket_route import WebSocketRoute
from trunkline.auth import as_authenticator
from trunkline.server.origin import SAME_ORIGIN


async def handler(ws: Any) -> None: ...


def somebody(request: Request) -> str:
    return "ann"


def route(auth: Any) -> WebSocketRoute:
    path = Path("/")
    made = RouteHandler.of(handler, path)
    return WebSocketRoute(path, frozenset(), made, SAME_ORIGIN, as_authenticator(auth), Limits())


def test_tokens_in_messages_are_judged_where_somebody_can() -> None:
    assert route(None).token_authenticator is None
    assert route(somebody).token_authenticator is None
    judged = route([somebody, Judge()])
    assert judged.token_authenticator is judged.authenticator


def test_most_routes_take_any_message() -> None:
    plain = route(None)
    assert (plain.schema, plain.invalid, plain.subprotocols) == (None, Invalid.REPLY, ())
