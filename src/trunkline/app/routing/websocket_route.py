"""A WebSocket behind a path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trunkline.app.admission.policy import AppAuthenticator
from trunkline.app.messages.invalid import Invalid
from trunkline.app.messages.outgoing import Outgoing
from trunkline.app.messages.schema import Schema
from trunkline.app.routing.route_handler import RouteHandler
from trunkline.app.routing.routes import Route
from trunkline.auth.authenticator import TokenAuthenticator
from trunkline.limits import Excess, Limits
from trunkline.server.origin import Origins


@dataclass(frozen=True, slots=True)
class WebSocketRoute(Route):
    """A handler, and where its policy is its own.

    Args:
        handler: takes the messages.
        origins: pages that may connect.
        authenticator: says who somebody is.
        limits: of each connection.
        subprotocols: supported ones, the preferred one first.
        schema: what messages must be; `None` for any.
        invalid: what becomes of those that are not.
        outgoing: writes what the handler sends; `None` where that is text and bytes.
    """

    handler: RouteHandler
    origins: Origins
    authenticator: AppAuthenticator
    limits: Limits
    subprotocols: Sequence[str] = ()
    schema: Schema | None = None
    invalid: Invalid = Invalid.REPLY
    outgoing: Outgoing | None = None

    @property
    def replies_with_errors(self) -> bool:
        """Whether a peer may be answered with `{"error": "…"}`."""
        is_checked = self.schema is not None and self.invalid is Invalid.REPLY
        return is_checked or self.limits.on_excess is Excess.DROP

    @property
    def token_authenticator(self) -> TokenAuthenticator | None:
        """Who judges tokens in messages; `None` where nobody can."""
        authenticator = self.authenticator
        return authenticator if authenticator is not None and authenticator.can_verify else None
