"""The body of a request that opens nothing: small, and of a length that it tells beforehand."""

from __future__ import annotations

import re
from http import HTTPStatus

from trunkline.errors import RequestRefused
from trunkline.protocol.http1 import Request

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
"""RFC 9110 §10.1.1: whoever expects it waits for it before a body is sent."""

LENGTH = re.compile(r"[0-9]{1,19}")


class Body:
    """Collects a body.

    Args:
        head: of the request, as it arrived.
        request: gets the body.
        size: bytes of it.
    """

    def __init__(self, head: bytes, request: Request, size: int) -> None:
        self.head = head
        self.request = request
        self._size = size
        self._received = bytearray()

    def feed(self, data: bytes) -> bool:
        """Take what arrived; say whether the body is whole. What follows it is dropped."""
        self._received += data[: self._size - len(self._received)]
        if len(self._received) < self._size:
            return False
        self.request.body = bytes(self._received)
        return True


def expects_continue(request: Request) -> bool:
    """Whether a client waits for a word before it sends the body."""
    return (request.headers.get_list("Expect") or "").lower() == "100-continue"


def body_size(request: Request, limit: int) -> int:
    """Give how many bytes of a body follow a request.

    Args:
        request: its head.
        limit: bytes of the largest body that is read.

    Raises:
        RequestRefused: 411, 413 or 400.
    """
    headers = request.headers
    # RFC 9112 §6.1: two ways to tell a length can be played against each other
    if "Transfer-Encoding" in headers:
        raise RequestRefused(HTTPStatus.LENGTH_REQUIRED, "a body is sent with Content-Length")
    lengths = headers.get_all("Content-Length")
    if not lengths:
        return 0
    if len(lengths) > 1 or not LENGTH.fullmatch(lengths[0]):
        raise RequestRefused(HTTPStatus.BAD_REQUEST, "Content-Length cannot be read")
    size = int(lengths[0])
    if size > limit:
        reason = f"body is {size:,} bytes, limit {limit:,}"
        raise RequestRefused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, reason)
    return size
