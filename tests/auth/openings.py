"""Opening requests with credentials, and what is said to them."""

from typing import Protocol

import pytest

from trunkline import Headers, Request, RequestRefused
from trunkline.auth import Identity

NOW = 1_800_000_000.0
"""Seconds since the epoch, wherever a test has a clock."""


class Asked(Protocol):
    async def authenticate(self, request: Request) -> Identity | None: ...


def opening(path: str = "/", *headers: tuple[str, str]) -> Request:
    """Make an opening request, as far as authentication looks at it."""
    return Request(path, Headers([("Host", "example.com"), *headers]))


def bearing(token: str) -> Request:
    """Make one with a token in the Authorization header."""
    return opening("/", ("Authorization", f"Bearer {token}"))


def offering(*subprotocols: str) -> Request:
    """Make one that offers subprotocols."""
    return opening("/", ("Sec-WebSocket-Protocol", ", ".join(subprotocols)))


async def refusal(authenticator: Asked, request: Request) -> RequestRefused:
    """Give what a request is refused with, which must be one short line."""
    with pytest.raises(RequestRefused) as caught:
        await authenticator.authenticate(request)
    assert caught.value.reason.isprintable() and 0 < len(caught.value.reason) < 200
    assert (caught.value.status == 401) == ("WWW-Authenticate" in caught.value.headers)
    return caught.value
