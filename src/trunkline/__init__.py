"""WebSockets for Python, client and server.

The names are grouped by the file that they come from.
"""

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
from trunkline.close_codes import Close, CloseCode
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
from trunkline.limits import Backoff, Limits
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
    "SAME_ORIGIN",
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
    "EngineInfo",
    "ErrorEvent",
    "Event",
    "Events",
    "Headers",
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
    "Overflow",
    "PayloadTooBig",
    "PeerError",
    "ProtocolError",
    "ProxyError",
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
    "broadcast",
    "connect",
    "engine_info",
    "keep_memory",
    "serve",
    "unix_connect",
    "unix_serve",
]
