"""One tree of errors, split by who must act.

    TrunklineError
    ├── UsageError                  you: the call was wrong
    │   ├── InvalidURI                  not a ws:// or wss:// address
    │   ├── InvalidProxy                not an address of a proxy
    │   ├── InvalidState                not possible in this state
    │   └── ConcurrencyError            two calls that exclude each other
    ├── InvalidHandshake            no connection came about
    │   ├── RequestRefused              the request breaks a rule; carries the HTTP status
    │   ├── InvalidMessage              the answer is not HTTP as it should be
    │   ├── InvalidHeader               a header of the answer is missing or wrong
    │   │   └── InvalidUpgrade              Upgrade or Connection
    │   ├── NegotiationError            subprotocol or extension that was not offered
    │   ├── SecurityError               following would be unsafe
    │   ├── ProxyError                  the proxy does not speak as it should
    │   │   └── InvalidProxyStatus          the proxy refused
    │   └── InvalidStatus               the server answered something else than 101
    ├── PeerError                   the peer broke a rule; carries the close code
    │   ├── ProtocolError               1002
    │   ├── InvalidPayload              1007
    │   ├── PayloadTooBig               1009
    │   └── TooManyFragments            1009
    └── ConnectionClosed            it is over; carries code, reason, who closed, silence
        ├── ConnectionClosedOK          both sides said goodbye
        └── ConnectionClosedError       anything else

`InvalidStatus` and `InvalidProxyStatus` are in `protocol/refusals.py`, since they carry a response.
Names that the `websockets` library has as well mean the same here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum

from trunkline.close_codes import Close, CloseCode, describe


class TrunklineError(Exception):
    """Root of everything that Trunkline raises on its own account."""


# You: the call was wrong


CREDENTIALS = re.compile(r"//[^/?#]*@")
"""What stands before the host of an address; an error text may end up in a log."""


class UsageError(TrunklineError):
    """The call was wrong; the text says what to change."""


class InvalidURI(UsageError, ValueError):
    """The address is not a ws:// or wss:// URI (RFC 6455 §3)."""

    def __init__(self, uri: str, problem: str) -> None:
        shown = CREDENTIALS.sub("//***@", uri)
        super().__init__(f"{shown!r} is not a WebSocket address: {problem}")
        self.uri = uri
        self.problem = problem


class InvalidProxy(UsageError, ValueError):
    """The address of the proxy cannot be used."""

    def __init__(self, proxy: str, problem: str) -> None:
        shown = CREDENTIALS.sub("//***@", proxy)
        super().__init__(f"{shown!r} is not the address of a proxy: {problem}")
        self.proxy = proxy
        self.problem = problem


class InvalidState(UsageError, RuntimeError):
    """The call is not possible in the present state."""


class ConcurrencyError(UsageError, RuntimeError):
    """Two calls that exclude each other, such as two `recv()` at once."""


# No connection came about


class InvalidHandshake(TrunklineError):
    """The opening handshake failed."""


class RequestRefused(InvalidHandshake):
    """An opening request breaks a rule; the server answers with `status` and one line.

    Args:
        status: HTTP status code of the answer.
        reason: one line for the client.
        headers: header lines that the status calls for.
    """

    def __init__(self, status: int, reason: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status}: {reason}")
        self.status = status
        self.reason = reason
        self.headers = dict(headers or {})


class InvalidMessage(InvalidHandshake):
    """What came back is not an HTTP response that can be understood."""


class InvalidHeader(InvalidHandshake):
    """A header of the answer is missing or wrong."""

    def __init__(self, name: str, value: str | None, problem: str) -> None:
        shown = "missing" if value is None else repr(value)
        super().__init__(f"{name} header is {shown}: {problem}")
        self.name = name
        self.value = value


class InvalidUpgrade(InvalidHeader):
    """The answer has status 101 and yet does not switch to WebSocket."""


class NegotiationError(InvalidHandshake):
    """The server chose a subprotocol or an extension that was not offered."""


class SecurityError(InvalidHandshake):
    """Going on would be unsafe, such as a redirect from wss:// to ws://."""


class ProxyError(InvalidHandshake):
    """The proxy does not speak as it should, or a SOCKS proxy refused."""


# The peer broke a rule


class PeerError(TrunklineError):
    """The peer broke a rule; the connection is failed with `code` (RFC 6455 §7.1.7)."""

    code: CloseCode = CloseCode.PROTOCOL_ERROR

    @property
    def reason(self) -> str:
        """The words for the close frame."""
        return str(self)


class ProtocolError(PeerError):
    """A frame or its place breaks RFC 6455."""


class InvalidPayload(PeerError):
    """Text is not UTF-8, or compressed data does not inflate."""

    code = CloseCode.INVALID_DATA


class PayloadTooBig(PeerError):
    """A message is larger than the limit, both in bytes; `None` where the size is not known."""

    code = CloseCode.MESSAGE_TOO_BIG

    def __init__(self, size: int | None, limit: int) -> None:
        found = f"over {limit:,}" if size is None else f"{size:,}"
        super().__init__(f"message is {found} bytes, limit {limit:,}")
        self.size = size
        self.limit = limit


class TooManyFragments(PeerError):
    """A message has more fragments than the limit."""

    code = CloseCode.MESSAGE_TOO_BIG

    def __init__(self, limit: int) -> None:
        super().__init__(f"message has {limit + 1:,} fragments, limit {limit:,}")
        self.limit = limit


# It is over


class Closer(Enum):
    """Who ended a connection."""

    LOCAL = "this side"
    PEER = "the peer"
    NOBODY = "nobody: the line was lost"


class ConnectionClosed(TrunklineError):
    """The connection is over.

    Args:
        code: close code; 1005 for a close frame without one, 1006 for none at all.
        reason: the closing side's words.
        closer: who ended it.
        silence: seconds between the last byte that arrived and the end.
        rcvd: the close frame that was received, if any.
        sent: the close frame that was sent, if any.
    """

    def __init__(
        self,
        code: int,
        reason: str,
        closer: Closer,
        silence: float,
        *,
        rcvd: Close | None = None,
        sent: Close | None = None,
    ) -> None:
        words = f" {reason!r}" if reason else ""
        super().__init__(
            f"connection closed with {code} ({describe(code)}){words} by {closer.value}; "
            f"last byte received {silence:.1f} s before"
        )
        self.code = code
        self.reason = reason
        self.closer = closer
        self.silence = silence
        self.rcvd = rcvd
        self.sent = sent

    @property
    def was_clean(self) -> bool:
        """Whether close frames went both ways (RFC 6455 §7.1.4)."""
        return self.rcvd is not None and self.sent is not None


class ConnectionClosedOK(ConnectionClosed):
    """Both sides said goodbye with 1000, 1001 or without a code."""


class ConnectionClosedError(ConnectionClosed):
    """The line was lost, a deadline passed, or a side closed with an error."""


# `websockets` sorts by these three codes too
OK_CODES = frozenset({CloseCode.NORMAL_CLOSURE, CloseCode.GOING_AWAY, CloseCode.NO_STATUS_RCVD})


WebSocketException = TrunklineError
"""The name that the root of the tree has in the `websockets` library."""
