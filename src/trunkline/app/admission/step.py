"""The steps of a request on its way in, by which refusals are counted."""

from __future__ import annotations

from enum import Enum


class Step(Enum):
    """Where a request has come to; the value is how metrics and logs call it."""

    ARRIVAL = "arrival"
    """Nothing has been read: limits of connections and handshakes, or a drain."""

    REQUEST = "request"
    """The request is read: slow, malformed or too large."""

    CLIENT = "client"
    """What proxies say of the client."""

    HOST = "host"
    ROUTE = "route"
    UPGRADE = "upgrade"
    """The opening handshake itself."""

    ORIGIN = "origin"
    AUTH = "auth"
    USER = "user"
    """Limits of connections for each user."""

    HANDLER = "handler"
    """The HTTP handler, or the agreement on subprotocol and extensions."""
