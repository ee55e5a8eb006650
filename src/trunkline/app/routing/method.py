"""What kind of request it is: its method, and whether it asks for a WebSocket."""

from __future__ import annotations

from http import HTTPStatus

from trunkline.errors import RequestRefused
from trunkline.protocol.handshake import listed
from trunkline.protocol.http1 import Request
from trunkline.server.cors import ASKED_METHOD, is_preflight

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""RFC 9110 §9.2.1: they change nothing, so that any page may send them."""


def is_upgrade(request: Request) -> bool:
    """Whether a request asks for a WebSocket."""
    return "websocket" in listed(request.headers, "Upgrade")


def method_of(request: Request) -> str:
    """Give the method of a request, or the one that a preflight asks about."""
    if not is_preflight(request):
        return request.method
    return request.headers.get_list(ASKED_METHOD) or ""


def check_get(request: Request) -> None:
    """Refuse a request for a WebSocket with another method."""
    # RFC 6455 §4.1: the method is GET
    if request.method != "GET":
        reason = "only GET opens a WebSocket"
        raise RequestRefused(HTTPStatus.METHOD_NOT_ALLOWED, reason, {"Allow": "GET"})
