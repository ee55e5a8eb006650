"""The Date header (RFC 9110 §6.6.1)."""

from __future__ import annotations

import time

from trunkline.protocol.date import date_of


def http_date() -> str:
    """Give the time as a header has it."""
    return date_of(int(time.time()))
