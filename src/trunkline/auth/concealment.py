"""Credentials are taken out of a request once they were read: it is kept, shown and logged."""

from __future__ import annotations

from collections.abc import Callable

from trunkline.protocol.headers import Headers
from trunkline.protocol.http1 import Request

MASK = "***"
"""Stands where a credential stood; it may be in a target, a cookie and a subprotocol."""


def change_values(request: Request, name: str, change: Callable[[str], str]) -> None:
    """Replace each value of a header, in its place.

    Args:
        request: whose headers they are.
        name: of the header, in any case.
        change: gives the new value for the old one.
    """
    wanted = name.lower()
    if wanted in request.headers:
        request.headers = Headers(
            (field, change(value) if field.lower() == wanted else value)
            for field, value in request.headers.raw_items()
        )


def mask_value(value: str) -> str:
    """Give what is shown instead of a whole value."""
    return MASK
