"""A WebSocket behind a path."""

from dataclasses import replace
from typing import Any

import pytest

from tests.app.judge import Judge
from tests.app.premises import Order
from trunkline import Limits, Request
from trunkline.app.messages.invalid import Invalid
from trunkline.app.messages.schema import schema_for
from trunkline.app.routing.path import Path
from trunkline.app.routing.route_handler import RouteHandler
from trunkline.app.routing.websocket_route import WebSocketRoute
from trunkline.auth import as_authenticator
from trunkline.limits import Excess
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


@pytest.mark.parametrize(
    ("is_typed", "invalid", "excess", "replies"),
    [
        (True, Invalid.REPLY, Excess.PAUSE, True),
        (True, Invalid.CLOSE_1007, Excess.PAUSE, False),
        (False, Invalid.REPLY, Excess.PAUSE, False),
        (False, Invalid.CLOSE_1007, Excess.DROP, True),
    ],
)
def test_some_routes_reply_with_errors(
    is_typed: bool, invalid: Invalid, excess: Excess, replies: bool
) -> None:
    made = replace(
        route(None),
        schema=schema_for(Order) if is_typed else None,
        invalid=invalid,
        limits=Limits(on_excess=excess),
    )
    assert made.replies_with_errors is replies
