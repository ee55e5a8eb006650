"""WebSockets for Python, client and server.

The names are grouped by the file that they come from; those of `trunkline.app` and the module
`trunkline.auth` are imported when they are asked for: a client needs none of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from trunkline.client.connect import connect, unix_connect
from trunkline.client.connection import ClientConnection
from trunkline.client.reconnect import Decision
from trunkline.client.websocket import (
    CloseEvent,
    ErrorEvent,
    Event,
    InvalidAccess,
    MessageEvent,
    WebSocket,
)
from trunkline.close_codes import Close, CloseCode, PolicyCode
from trunkline.connection.backlog import Overflow
from trunkline.connection.broadcast import broadcast
from trunkline.connection.connection import Connection
from trunkline.connection.events import Events
from trunkline.connection.state import State
from trunkline.connection.subscription import Subscription
from trunkline.connection.topic import Topic
from trunkline.engines.allocator import keep_memory
from trunkline.engines.choose import EngineInfo, engine_info
from trunkline.errors import (
    Closer,
    ConcurrencyError,
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    InvalidHandshake,
    InvalidHeader,
    InvalidMessage,
    InvalidPayload,
    InvalidProxy,
    InvalidState,
    InvalidUpgrade,
    InvalidURI,
    NegotiationError,
    PayloadTooBig,
    PeerError,
    ProtocolError,
    ProxyError,
    RequestRefused,
    SecurityError,
    TooManyFragments,
    TrunklineError,
    UsageError,
    WebSocketException,
)
from trunkline.limits import APP_LIMITS, Backoff, Drain, Excess, Limits, Rate
from trunkline.protocol.extensions import Deflate
from trunkline.protocol.headers import Headers, MultipleValuesError
from trunkline.protocol.http1 import Request, Response
from trunkline.protocol.refusals import InvalidProxyStatus, InvalidStatus
from trunkline.server.connection import ServerConnection
from trunkline.server.origin import SAME_ORIGIN
from trunkline.server.serve import Server, serve, unix_serve
from trunkline.version import VERSION

__version__ = VERSION

__all__ = [
    "APP_LIMITS",
    "SAME_ORIGIN",
    "App",
    "AppConnection",
    "AppServer",
    "Backoff",
    "ClientConnection",
    "Close",
    "CloseCode",
    "CloseEvent",
    "Closer",
    "ConcurrencyError",
    "Connection",
    "ConnectionClosed",
    "ConnectionClosedError",
    "ConnectionClosedOK",
    "Decision",
    "Deflate",
    "Drain",
    "EngineInfo",
    "ErrorEvent",
    "Event",
    "Events",
    "Excess",
    "Headers",
    "HttpRequest",
    "Invalid",
    "InvalidAccess",
    "InvalidHandshake",
    "InvalidHeader",
    "InvalidMessage",
    "InvalidPayload",
    "InvalidProxy",
    "InvalidProxyStatus",
    "InvalidState",
    "InvalidStatus",
    "InvalidURI",
    "InvalidUpgrade",
    "Limits",
    "MessageEvent",
    "MultipleValuesError",
    "NegotiationError",
    "Observer",
    "Overflow",
    "PayloadTooBig",
    "PeerError",
    "PolicyCode",
    "ProtocolError",
    "ProxyError",
    "Rate",
    "Request",
    "RequestRefused",
    "Response",
    "SecurityError",
    "Server",
    "ServerConnection",
    "State",
    "Subscription",
    "TooManyFragments",
    "Topic",
    "TrunklineError",
    "UsageError",
    "WebSocket",
    "WebSocketException",
    "auth",
    "broadcast",
    "connect",
    "engine_info",
    "keep_memory",
    "serve",
    "testing",
    "unix_connect",
    "unix_serve",
]

_MODULES = frozenset({"auth", "testing"})
_LATER = {
    "App": "trunkline.app.app",
    "AppConnection": "trunkline.app.connection",
    "AppServer": "trunkline.app.app_server",
    "HttpRequest": "trunkline.app.routing.http",
    "Invalid": "trunkline.app.messages.invalid",
    "Observer": "trunkline.app.observation.observer",
}


def _import_later(name: str) -> object:
    """Import a name that most programs do not need."""
    if name in _MODULES:
        return import_module(f"trunkline.{name}")
    if name not in _LATER:
        raise AttributeError(f"module 'trunkline' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_LATER[name]), name)
    return value


if TYPE_CHECKING:
    from trunkline import auth, testing
    from trunkline.app.app import App
    from trunkline.app.app_server import AppServer
    from trunkline.app.connection import AppConnection
    from trunkline.app.messages.invalid import Invalid
    from trunkline.app.observation.observer import Observer
    from trunkline.app.routing.http import HttpRequest
else:
    # Type checkers would take any name for one that is there.
    __getattr__ = _import_later
