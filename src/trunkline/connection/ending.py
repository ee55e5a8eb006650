"""How a connection ends: what both sides said, and the error that tells of it."""

from __future__ import annotations

from dataclasses import dataclass

from trunkline.close_codes import Close, CloseCode
from trunkline.errors import (
    OK_CODES,
    Closer,
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
)

NOTHING_SAID = Close(CloseCode.ABNORMAL_CLOSURE, "")


@dataclass(slots=True)
class Ending:
    """What is known of the end of one connection, while it comes and after it has come.

    Args:
        rcvd: the close frame that was received.
        sent: the close frame that was sent.
        closer: who ended the connection.
        failure: why this side gave it up, if it did.
        cause: the error that the stream was lost with.
        silence: seconds between the last byte that arrived and the end; `None` until that.
        is_told: whether everybody who waits for something has heard of it.
    """

    rcvd: Close | None = None
    sent: Close | None = None
    closer: Closer = Closer.NOBODY
    failure: Close | None = None
    cause: Exception | None = None
    silence: float | None = None
    is_told: bool = False

    @classmethod
    def answered(cls, goodbye: Close) -> Ending:
        """Make what is known where the peer's goodbye came as it should, and was answered."""
        return cls(rcvd=goodbye, sent=goodbye, closer=Closer.PEER, silence=0.0)

    @property
    def has_come(self) -> bool:
        """Whether nothing can be sent or received any more."""
        return self.silence is not None

    @property
    def was_clean(self) -> bool:
        """Whether close frames went both ways (RFC 6455 §7.1.4)."""
        return self.rcvd is not None and self.sent is not None

    @property
    def is_ok(self) -> bool:
        """Whether nobody complains: of a goodbye under way, what this side said decides."""
        frames = (self.rcvd, self.sent) if self.has_come else (self.sent,)
        return self.failure is None and all(frame and frame.code in OK_CODES for frame in frames)

    def fail(self, failure: Close) -> None:
        """Take note of why this side gives the connection up."""
        self.closer = Closer.LOCAL
        self.failure = failure

    def outcome(self) -> Close:
        """Give code and reason of the end: the peer's word counts more than ours."""
        under_way = None if self.has_come else self.sent
        return self.rcvd or self.failure or under_way or NOTHING_SAID

    def error(self, silence: float) -> ConnectionClosed:
        """Make the error; `silence`, in seconds so far, counts until the end has come."""
        outcome = self.outcome()
        kind = ConnectionClosedOK if self.is_ok else ConnectionClosedError
        error = kind(
            outcome.code,
            outcome.reason,
            self.closer,
            silence if self.silence is None else self.silence,
            rcvd=self.rcvd,
            sent=self.sent,
        )
        error.__cause__ = self.cause
        return error


NO_END = Ending()
"""Of every connection of whose end there is nothing to say yet; never written to."""
