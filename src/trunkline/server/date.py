"""The Date header (RFC 9110 §6.6.1)."""

from __future__ import annotations

import time
from email.utils import formatdate
from functools import lru_cache


def http_date() -> str:
    """Give the time as a header has it."""
    return date_of(int(time.time()))


@lru_cache(maxsize=1)
def date_of(second: int) -> str:
    """Format a time in seconds since 1970; many answers share one second."""
    return formatdate(second, usegmt=True)
