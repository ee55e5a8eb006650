"""A desk that a test gives its orders."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from trunkline import InvalidMessage, Limits, Request, RequestRefused, Response, Server
from trunkline.engines.engine import Address, Tls
from trunkline.protocol.http1 import make_response, parse_any_request
from trunkline.server.body import body_size
from trunkline.server.desk import Admission, Preface
from trunkline.server.options import ServerOptions
from trunkline.server.origin import SAME_ORIGIN


class Doorkeeper:
    """Answers over HTTP what it was asked, and takes note of everything.

    Args:
        preface: stands before the request.
        closed: refuses whoever comes.
    """

    waits = False
    busy_with = "keeping the door"

    def __init__(
        self, preface: Preface | None = None, closed: RequestRefused | None = None
    ) -> None:
        self.preface = preface
        self.seen: list[str] = []
        self._closed = closed

    def greet(self) -> None:
        self.seen.append("greeted")
        if self._closed is not None:
            raise self._closed

    def read(self, head: bytes) -> Request:
        return parse_any_request(head, Limits())

    def body_size(self, request: Request) -> int:
        return body_size(request, Limits().max_body)

    async def decide(self, request: Request) -> Admission | Response:
        self.seen.append(request.method)
        return make_response(200, request.body)

    def refused(self, refused: RequestRefused) -> None:
        self.seen.append(str(refused.status))

    def left(self, admission: Admission | None) -> None:
        self.seen.append("left")


class Line:
    """A preface of one line, which must not be `wrong`."""

    def __init__(self) -> None:
        self.received = b""

    def feed(self, data: bytes) -> bytes | None:
        self.received += data
        line, end, rest = self.received.partition(b"\n")
        if line == b"wrong":
            raise InvalidMessage("this is the wrong line")
        return rest if end else None


def guarded(new_desk: Callable[[], Doorkeeper], tls: Tls | None = None, **limits: Any) -> Server:
    """Make a server with a desk for each stream, which may have a preface."""
    options = ServerOptions(
        coroutine=None,
        events=None,
        origins=SAME_ORIGIN,
        subprotocols=(),
        select_subprotocol=None,
        deflate=None,
        process_request=None,
        process_response=None,
        server_header=None,
        limits=Limits(**limits),
        logger=logging.getLogger("trunkline.server"),
    )
    address = Address(host="127.0.0.1", port=0)
    return Server(
        address, tls, options, new_desk=lambda setting, stream: new_desk(), has_preface=True
    )
