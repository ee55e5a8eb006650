"""An application at work: in one process, on one event loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from trunkline.app.admission.policy import Policy
from trunkline.app.connection import AppConnection
from trunkline.app.messages.notice import tell_dropped
from trunkline.app.observation.observer import Observers
from trunkline.app.routing.websocket_route import WebSocketRoute
from trunkline.app.visit import Visit
from trunkline.close_codes import PolicyCode
from trunkline.connection.setting import Setting
from trunkline.connection.traffic import new_traffic
from trunkline.engines.engine import Stream
from trunkline.limits import Limits
from trunkline.server.allowance import Allowances
from trunkline.server.crowd import Crowd
from trunkline.server.serve import shutting_down
from trunkline.server.watch import Watch

if TYPE_CHECKING:
    from trunkline.app.app import App


class Service(Watch):
    """Who is there, and what they take; the watch of the application's server.

    Args:
        app: has routes and policy.
        observers: are told of everything.
        now: gives seconds since the epoch.
    """

    def __init__(
        self, app: App, observers: Observers, now: Callable[[], float] = time.time
    ) -> None:
        super().__init__()
        self.app = app
        self.policy: Policy = app.policy
        self.observers = observers
        self.now = now
        self.crowd = Crowd(app.policy.limits)
        rate = app.policy.limits.handshake_rate
        self.handshakes = None if rate is None else Allowances(rate)
        self.is_ready = True
        """Whether a load balancer may send newcomers; `/ready` says so."""
        self.is_leaving = False
        """Whether no WebSocket is let in any more, since everybody is asked to leave."""
        self.started_at = now()
        self.settings: dict[str, Setting] = {}
        """Of connections, by the path of their route: what goes through them is counted so."""
        self._users: dict[str, set[Visit]] = {}

    def begin(self) -> None:
        """Be one of the application's, which says once how it is protected."""
        self.app.services.append(self)
        self.app.announce()

    def end(self) -> None:
        """Be one no more, if it was."""
        if self in self.app.services:
            self.app.services.remove(self)

    def new_desk(self, setting: Setting, stream: Stream) -> Visit:
        """Give who decides about a stream's request."""
        return Visit(self, setting, stream)

    def setting_for(self, route: WebSocketRoute, setting: Setting) -> Setting:
        """Give the setting of a route's connections.

        Args:
            route: has limits.
            setting: the server's.
        """
        own = self.settings.get(route.path.template)
        if own is None:
            own = self.settings[route.path.template] = replace(
                setting,
                limits=self.limits_of(route),
                when_dropped=tell_dropped,
                when_timed=self.app.tally.round_trips[route.path.template].add,
                footings={},
                traffic=new_traffic(),
            )
        return own

    def limits_of(self, route: WebSocketRoute) -> Limits:
        """Give the limits of a route's connections."""
        return route.limits

    def check_open(self) -> None:
        """Refuse a newcomer during a drain; raise `RequestRefused`."""
        if self.is_leaving:
            raise shutting_down()

    # Who is there

    def websockets(self) -> Iterator[AppConnection]:
        """Give the WebSockets that are open or closing."""
        return (each for each in self.connections if isinstance(each, AppConnection))

    def enter_user(self, visit: Visit, user: str) -> None:
        """Count a connection for its user; raise `RequestRefused` where that is one too many."""
        self.crowd.identify(user)
        self._users.setdefault(user, set()).add(visit)

    def leave_user(self, visit: Visit) -> None:
        """Count a connection no more, if it was."""
        user = None if visit.identity is None else visit.identity.user
        if user is None or visit not in self._users.get(user, ()):
            return
        self._users[user].discard(visit)
        if not self._users[user]:
            del self._users[user]
        self.crowd.users.leave(user)

    def connections_of(self, user: str) -> Iterator[AppConnection]:
        """Give the WebSockets of a user."""
        for visit in tuple(self._users.get(user, ())):
            if visit.connection is not None:
                yield visit.connection

    def disconnect(self, user: str, code: int = PolicyCode.DISCONNECTED, reason: str = "") -> int:
        """Close every connection of a user at once, and forget what they have sent.

        Returns:
            How many connections there were.
        """
        connections = list(self.connections_of(user))
        for connection in connections:
            connection.dismiss(code, reason)
        return len(connections)

    # Told by visits, and by the server

    def opened_by(self, visit: Visit, connection: AppConnection) -> None:
        """A WebSocket is open."""
        self.observers.opened(visit, connection)

    def closed_by(self, visit: Visit, connection: AppConnection) -> None:
        """A WebSocket is gone."""
        self.observers.closed(visit, connection)

    def lost(self, connection: AppConnection) -> None:  # type: ignore[override]
        """Take note of the end of a connection."""
        super().lost(connection)
        connection.visit.over(connection)
