"""What a connection of a route consists of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trunkline.app.connection import AppConnection
from trunkline.app.messages.screen import Screen
from trunkline.app.messages.screened_connection import after_token, screened
from trunkline.app.messages.screened_events import ScreenedEvents
from trunkline.connection.events import Events
from trunkline.connection.lane import connection_type
from trunkline.connection.setting import Setting
from trunkline.engines.engine import Stream
from trunkline.protocol.http1 import Request
from trunkline.server.handler import CoroutineHandler

if TYPE_CHECKING:
    from trunkline.app.routing.websocket_route import WebSocketRoute
    from trunkline.app.visit import Visit

Equipment = tuple[AppConnection, Events | None, CoroutineHandler | None]


def equip(
    visit: Visit,
    route: WebSocketRoute,
    request: Request,
    setting: Setting,
    stream: Stream,
    *,
    token_follows: bool,
) -> Equipment:
    """Make connection and handler of a route, with a screen between them where there is need.

    Args:
        visit: the connection's.
        route: has handler, schema and authenticator.
        request: that was accepted.
        setting: of the connection.
        stream: of the connection.
        token_follows: whether the first message is to be a token.
    """
    kind = connection_type(AppConnection, stream)
    events = route.handler.events(request, visit.params)
    coroutine = route.handler.coroutine(visit.params)
    screen = screen_for(visit, route, setting, token_follows=token_follows)
    if screen is None:
        return kind(setting, stream), events, coroutine
    connection = screened(kind)(setting, stream)
    connection.screen = screen
    if events is not None:
        return connection, ScreenedEvents(screen, events), None
    assert coroutine is not None
    return connection, None, after_token(coroutine) if token_follows else coroutine


def screen_for(
    visit: Visit, route: WebSocketRoute, setting: Setting, *, token_follows: bool
) -> Screen | None:
    """Make the screen of a connection; `None` where every message is for the handler."""
    expects_token = token_follows or expires(visit)
    authenticator = route.token_authenticator if expects_token else None
    if route.schema is None and route.outgoing is None and authenticator is None:
        return None
    return Screen(
        visit,
        route.schema,
        route.invalid,
        route.outgoing,
        authenticator,
        token_follows=token_follows,
        patience=setting.limits.open_timeout,
    )


def expires(visit: Visit) -> bool:
    """Whether it is known until when somebody is who they are: then a token may refresh that."""
    return visit.identity is not None and visit.identity.expires_at is not None
