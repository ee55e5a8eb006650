"""What an endpoint makes of received bytes."""

from dataclasses import dataclass

from trunkline.errors import PeerError


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
class Close:
    """A close frame, to be answered with one (RFC 6455 §5.5.1); the last event there is.

    `code` is 1005 when the frame carries none.
    """

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The peer broke a rule; close with `error.code`. The last event there is (§7.1.7)."""

    error: PeerError


Event = Text | Binary | Ping | Pong | Close | Failed
