"""Dates as HTTP has them (RFC 9110 §5.6.7)."""

from __future__ import annotations

import re
from email.utils import formatdate, mktime_tz, parsedate_tz
from functools import lru_cache

DATE = re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", re.ASCII)


@lru_cache(maxsize=1)
def date_of(second: int) -> str:
    """Format a time in seconds since 1970; many answers share one second."""
    return formatdate(second, usegmt=True)


@lru_cache(maxsize=1)
def second_of(date: str) -> int | None:
    """Give the second that `date_of()` formats like this, or `None`."""
    parts = parsedate_tz(date) if DATE.fullmatch(date) else None
    second = None if parts is None else mktime_tz(parts)
    return None if second is None or formatdate(second, usegmt=True) != date else second
