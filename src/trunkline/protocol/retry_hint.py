"""When to come back: hints for the client, in an answer or in the reason of a close frame."""

from __future__ import annotations

import re
from http import HTTPStatus
from math import ceil

from trunkline.errors import RequestRefused

HINT = re.compile(r"retry in ([0-9]{1,6}(?:\.[0-9]{1,3})?) s")


def encode_hint(seconds: float) -> str:
    """Give the reason that asks a client to come back in so many seconds."""
    return f"retry in {seconds:.1f} s"


def parse_hint(reason: str) -> float | None:
    """Give the seconds after which a client is asked to come back; `None` where it is not."""
    match = HINT.fullmatch(reason)
    return None if match is None else float(match[1])


def refused_for_now(
    reason: str, seconds: float, status: HTTPStatus = HTTPStatus.SERVICE_UNAVAILABLE
) -> RequestRefused:
    """Make the refusal of whoever may ask again.

    Args:
        reason: one line for the client.
        seconds: after which; whole ones are told, and at least one.
        status: of the answer.
    """
    # RFC 9110 §15.6.4, RFC 6585 §4: Retry-After says how long to wait
    return RequestRefused(status, reason, {"Retry-After": str(max(1, ceil(seconds)))})
