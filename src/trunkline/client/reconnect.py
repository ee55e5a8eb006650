"""Whether and when to come back: decisions, and nothing that acts on them."""

from __future__ import annotations

import random
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime

from trunkline.close_codes import may_retry
from trunkline.errors import ConnectionClosed, InvalidMessage, ProxyError
from trunkline.limits import Backoff
from trunkline.protocol.http1 import Response
from trunkline.protocol.refusals import InvalidProxyStatus, InvalidStatus
from trunkline.protocol.retry_hint import parse_hint

SERVER_ERRORS = range(500, 600)


@dataclass(frozen=True, slots=True)
class Decision:
    """What a client does after an attempt that failed, or a connection that ended.

    Args:
        retry: whether it tries again.
        delay: seconds until then.
        attempt: how many attempts in a row have failed, this one included; 0 after a connection
            that had been stable.
        reason: why, in words.
        cause: the error of the attempt, or how the connection ended.
    """

    retry: bool
    delay: float
    attempt: int
    reason: str
    cause: Exception


class Reconnection:
    """Decides for one client, attempt after attempt.

    Args:
        backoff: delays and their ceilings.
        draw: gives a random number between two; full jitter spreads clients that were cut off
            together.
        wall_clock: gives the time since the epoch in seconds, for dates in Retry-After.
    """

    def __init__(
        self,
        backoff: Backoff,
        draw: Callable[[float, float], float] = random.uniform,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._backoff = backoff
        self._draw = draw
        self._wall_clock = wall_clock
        self._failures = 0

    def after_failure(self, error: Exception) -> Decision:
        """Decide after an attempt that failed."""
        self._failures += 1
        retry_after = self._retry_after(error)
        retry, reason = is_worth_retrying(error, asked_back=retry_after is not None)
        delay = self._drawn_delay() + (retry_after or 0.0) if retry else 0.0
        return Decision(retry, delay, self._failures, reason, error)

    def after_connection(self, closed: ConnectionClosed, lifetime: float) -> Decision:
        """Decide after a connection that was ended by somebody else than the loop over it.

        Args:
            closed: how it ended.
            lifetime: seconds that it was open.
        """
        if not may_retry(closed.code):
            return Decision(False, 0.0, 0, f"closed with {closed.code}, which is final", closed)
        return self._return(f"closed with {closed.code}", closed, lifetime)

    def after_loop_body(self, closed: ConnectionClosed, lifetime: float) -> Decision:
        """Decide after a connection that the loop left while it was open."""
        return self._return("the loop asks for the next connection", closed, lifetime)

    def insist(self, decision: Decision) -> Decision:
        """Try again although it seems useless: the user says so."""
        if decision.retry:
            return decision
        return replace(decision, retry=True, delay=self._drawn_delay(), reason="by wish")

    def resign(self, decision: Decision, cause: Exception) -> Decision:
        """Give up although there is hope: the user says so."""
        reason = "given up by wish" if decision.retry else decision.reason
        return replace(decision, retry=False, delay=0.0, reason=reason, cause=cause)

    def _return(self, reason: str, closed: ConnectionClosed, lifetime: float) -> Decision:
        wait = self._asked_wait(closed)
        if wait:
            reason = f"{reason}, and asked to wait {wait:.1f} s"
        if lifetime >= self._backoff.stable_after:
            self._failures = 0
            return Decision(True, wait, 0, f"{reason} after {lifetime:.0f} stable seconds", closed)
        self._failures += 1
        return Decision(True, wait + self._drawn_delay(), self._failures, reason, closed)

    def _asked_wait(self, closed: ConnectionClosed) -> float:
        """Give the seconds that the server has asked for in its goodbye."""
        hint = None if closed.rcvd is None else parse_hint(closed.rcvd.reason)
        return 0.0 if hint is None else min(hint, self._backoff.max_retry_after)

    def _drawn_delay(self) -> float:
        return self._draw(0.0, self._backoff.ceiling(self._failures))

    def _retry_after(self, error: Exception) -> float | None:
        if not isinstance(error, InvalidStatus | InvalidProxyStatus):
            return None
        seconds = parse_retry_after(error.response, self._wall_clock())
        return None if seconds is None else min(seconds, self._backoff.max_retry_after)


def parse_retry_after(response: Response, now: float) -> float | None:
    """Give the seconds of Retry-After, a number or a date (RFC 9110 §10.2.3).

    Args:
        response: may have the header.
        now: seconds since the epoch.
    """
    value = response.headers.get_list("Retry-After")
    if value is None:
        return None
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def is_worth_retrying(error: Exception, *, asked_back: bool) -> tuple[bool, str]:
    """Say whether another attempt may end differently, and why.

    Args:
        error: of the attempt that failed.
        asked_back: whether the server said when to come back.
    """
    match error:
        case InvalidStatus() | InvalidProxyStatus():
            return is_status_worth_retrying(error.response.status_code, asked_back=asked_back)
        case ssl.SSLCertVerificationError():
            return False, "the certificate is not trusted"
        case OSError():
            return True, "the server cannot be reached"
        case InvalidMessage():
            return True, "the answer was cut off, or is not HTTP"
        case ProxyError():
            return True, "the proxy does not let through"
        case _:
            return False, "another attempt would fail in the same way"


def is_status_worth_retrying(status: int, *, asked_back: bool) -> tuple[bool, str]:
    """Say whether another attempt may be answered with another status, and why."""
    if asked_back:
        return True, f"the answer was {status}, and says when to come back"
    if status in SERVER_ERRORS:
        return True, f"the answer was {status}"
    return False, f"the answer was {status}, which is final"
