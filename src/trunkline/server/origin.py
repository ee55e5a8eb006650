"""Which pages may connect: the Origin header against the policy (RFC 6455 §4.2.2, §10.2).

Browsers let any page open a WebSocket to any server, and send that server's cookies along. The
Origin header is what tells them apart; programs that are not browsers may leave it out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from http import HTTPStatus
from urllib.parse import urlsplit

from trunkline.errors import RequestRefused
from trunkline.protocol.http1 import Request

SECURE = "https"
DEFAULT_PORTS = {"http": 80, SECURE: 443}

Origin = str | re.Pattern[str] | None
"""An origin like `https://example.com`, a pattern that a whole one matches, or none at all."""


class SameOrigin(Enum):
    """The default policy: a page may connect to the host that it came from."""

    SAME_ORIGIN = "same origin"


SAME_ORIGIN = SameOrigin.SAME_ORIGIN
Origins = Sequence[Origin] | SameOrigin | None


def check_origins(origins: Origins) -> None:
    """Refuse a policy that could never match; raise `TypeError` or `ValueError`."""
    if origins is None or isinstance(origins, SameOrigin):
        return
    if isinstance(origins, str):
        raise TypeError("origins are a list of strings, not one string")
    for origin in origins:
        if isinstance(origin, str) and origin != "null":
            check_serialized(origin)
        elif not isinstance(origin, str | re.Pattern | None):
            raise TypeError(f"an origin is a string, a pattern or None, not {origin!r}")


def freeze(origins: Origins) -> Origins:
    """Give the policy as it is now: what was decided by it may be remembered."""
    if origins is None or isinstance(origins, SameOrigin):
        return origins
    return tuple(origins)


def check_serialized(origin: str) -> None:
    """Refuse what no browser would send (RFC 6454 §6.2): a path, a user, a missing scheme."""
    parts = urlsplit(origin)
    is_whole = f"{parts.scheme}://{parts.netloc}" == origin
    if not (parts.scheme and parts.netloc and is_whole) or "@" in origin:
        raise ValueError(f"{origin!r} is not an origin; one looks like https://example.com")


def check_origin(
    request: Request,
    origins: Origins,
    forwarded: str | None = None,
    *,
    is_secure: bool | None = None,
) -> None:
    """Refuse a page that may not connect.

    Args:
        request: the opening request.
        origins: those that may connect, `None` among them for clients without Origin;
            `None` instead of a list lets everybody in.
        forwarded: the host that a client asked a trusted proxy for, which then counts instead
            of Host: the proxy may have written its own name there.
        is_secure: whether the client is known to speak TLS: a page of the same host that came
            without it may have been put there by anybody on its way.

    Raises:
        RequestRefused: with status 403.
    """
    origin = request.headers.get("Origin")
    if origins is None:
        return
    if isinstance(origins, SameOrigin):
        host = forwarded or request.headers.get("Host", "")
        allowed = origin is None or is_same(origin, host, is_secure=is_secure)
    else:
        allowed = any(matches(origin, candidate) for candidate in origins)
    if not allowed:
        reason = "Origin is missing" if origin is None else "this Origin may not connect"
        raise RequestRefused(HTTPStatus.FORBIDDEN, reason)


def matches(origin: str | None, candidate: Origin) -> bool:
    """Whether an origin is the allowed one, or matches it as a whole."""
    if isinstance(candidate, re.Pattern):
        return origin is not None and candidate.fullmatch(origin) is not None
    return origin == candidate


def is_same(origin: str, host: str, *, is_secure: bool | None = None) -> bool:
    """Whether a page of `origin` came from `host`, a Host header.

    The scheme is compared where the client is known to speak TLS: behind a proxy that ends it and
    does not say so, that is not known.
    """
    try:
        check_serialized(origin)
        parts = urlsplit(origin)
        default = DEFAULT_PORTS.get(parts.scheme)
        target = urlsplit(f"//{host}")
        ports = (parts.port or default, target.port or default)
    except ValueError:
        return False
    same_host = parts.hostname is not None and parts.hostname == target.hostname
    has_scheme = default is not None and (parts.scheme == SECURE or not is_secure)
    return has_scheme and same_host and ports[0] == ports[1]
