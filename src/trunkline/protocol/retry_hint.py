"""When to come back: a hint for the client in the reason of a close frame."""

from __future__ import annotations

import re

HINT = re.compile(r"retry in ([0-9]{1,6}(?:\.[0-9]{1,3})?) s")


def encode_hint(seconds: float) -> str:
    """Give the reason that asks a client to come back in so many seconds."""
    return f"retry in {seconds:.1f} s"


def parse_hint(reason: str) -> float | None:
    """Give the seconds after which a client is asked to come back; `None` where it is not."""
    match = HINT.fullmatch(reason)
    return None if match is None else float(match[1])
