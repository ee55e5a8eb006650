"""What an endpoint makes of received bytes.

`Close`, from the floor of the close codes, is an event as well: a close frame, to be answered
with one (RFC 6455 §5.5.1). It and `Failed` are the last event there is.
"""

from dataclasses import dataclass

from trunkline.close_codes import Close
from trunkline.errors import PeerError

__all__ = ["Binary", "Close", "Event", "Failed", "Ping", "Pong", "Text"]


@dataclass(frozen=True, slots=True)
class Text:
    """A whole text message."""

    data: str


@dataclass(frozen=True, slots=True)
class Binary:
    """A whole binary message."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Ping:
    """A ping, to be answered with a pong of the same payload (RFC 6455 §5.5.2)."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Pong:
    """A pong, asked for or not (RFC 6455 §5.5.3)."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Failed:
    """The peer broke a rule; close with `error.code` (RFC 6455 §7.1.7)."""

    error: PeerError


Event = Text | Binary | Ping | Pong | Close | Failed
