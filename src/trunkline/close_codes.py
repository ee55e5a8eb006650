"""Close codes: what each means, whether it may be sent, and whether the client may come back.

RFC 6455 §7.4, the IANA registry of WebSocket close codes, and, for the ranges 3000–4999, the
convention of the Centrifuge client protocol.
"""

from dataclasses import dataclass
from enum import IntEnum


class CloseCode(IntEnum):
    """The registered close codes (RFC 6455 §7.4.1 and IANA)."""

    NORMAL_CLOSURE = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    NO_STATUS_RCVD = 1005
    ABNORMAL_CLOSURE = 1006
    INVALID_DATA = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009
    MANDATORY_EXTENSION = 1010
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    BAD_GATEWAY = 1014
    TLS_HANDSHAKE = 1015


class PolicyCode(IntEnum):
    """Close codes of an application's policy; their numbers are those of the Centrifuge protocol.

    Below 3500 a client may come back, with a new token or later; from there on it may not.
    """

    EXPIRED = 3005
    SLOW = 3008
    TOO_MANY_MESSAGES = 3013
    INVALID_TOKEN = 3500
    DISCONNECTED = 3503


MEANINGS: dict[int, str] = {
    CloseCode.NORMAL_CLOSURE: "OK",
    CloseCode.GOING_AWAY: "going away",
    CloseCode.PROTOCOL_ERROR: "protocol error",
    CloseCode.UNSUPPORTED_DATA: "unsupported data",
    CloseCode.NO_STATUS_RCVD: "no status code received",
    CloseCode.ABNORMAL_CLOSURE: "connection lost without a close frame",
    CloseCode.INVALID_DATA: "invalid frame payload data",
    CloseCode.POLICY_VIOLATION: "policy violation",
    CloseCode.MESSAGE_TOO_BIG: "message too big",
    CloseCode.MANDATORY_EXTENSION: "mandatory extension",
    CloseCode.INTERNAL_ERROR: "internal error",
    CloseCode.SERVICE_RESTART: "service restart",
    CloseCode.TRY_AGAIN_LATER: "try again later",
    CloseCode.BAD_GATEWAY: "bad gateway",
    CloseCode.TLS_HANDSHAKE: "TLS handshake failure",
    PolicyCode.EXPIRED: "token expired",
    PolicyCode.SLOW: "too slow",
    PolicyCode.TOO_MANY_MESSAGES: "too many messages",
    PolicyCode.INVALID_TOKEN: "invalid token",
    PolicyCode.DISCONNECTED: "disconnected by the server",
}

# RFC 6455 §7.4.1: these three exist for reporting to the application and never travel in a frame.
NEVER_SENT = frozenset(
    {CloseCode.NO_STATUS_RCVD, CloseCode.ABNORMAL_CLOSURE, CloseCode.TLS_HANDSHAKE}
)
REGISTERED = frozenset(CloseCode) - NEVER_SENT
# Python looks for a member of an enum by comparing it with everything in a range: 70 µs. So they
# are asked for plain numbers.
LIBRARY_CODES = range(3000, 4000)
PRIVATE_CODES = range(4000, 5000)

# A second try would meet the same answer: somebody said goodbye, or one side is at fault.
FINAL = frozenset(
    {
        CloseCode.NORMAL_CLOSURE,
        CloseCode.NO_STATUS_RCVD,
        CloseCode.PROTOCOL_ERROR,
        CloseCode.UNSUPPORTED_DATA,
        CloseCode.INVALID_DATA,
        CloseCode.POLICY_VIOLATION,
        CloseCode.MESSAGE_TOO_BIG,
        CloseCode.MANDATORY_EXTENSION,
        CloseCode.TLS_HANDSHAKE,
    }
)
# The Centrifuge protocol's halves: 3000–3499 and 4000–4499 ask the client to come back.
FINAL_RANGES = (range(3500, 4000), range(4500, 5000))


@dataclass(frozen=True, slots=True)
class Close:
    """The body of a close frame (RFC 6455 §5.5.1); code 1005 stands for an empty one."""

    code: int
    reason: str


def is_sendable(code: int) -> bool:
    """Whether a close frame may carry `code` (RFC 6455 §7.4.2)."""
    number = int(code)
    return number in REGISTERED or number in LIBRARY_CODES or number in PRIVATE_CODES


def may_retry(code: int) -> bool:
    """Whether a client that was closed with `code` may connect again by itself."""
    number = int(code)
    return number not in FINAL and not any(number in final for final in FINAL_RANGES)


def describe(code: int) -> str:
    """Give the words for `code`, for logs and error texts."""
    number = int(code)
    if number in PRIVATE_CODES:
        return "private use"
    if number in LIBRARY_CODES:
        return MEANINGS.get(number, "registered for a library")
    return MEANINGS.get(number, "unknown")
