"""A response instead of an upgrade: ASGI's extension `websocket.http.response`."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus

from trunkline.integrations.interface import Message
from trunkline.protocol.headers import Headers
from trunkline.protocol.http1 import Response

FINAL_STATUSES = range(200, 600)
FRAMING = frozenset({"connection", "content-length", "transfer-encoding"})
"""Headers that say where a response ends: that is up to the server."""


class Denial:
    """Collects a response from the messages of an application."""

    __slots__ = ("_body", "_headers", "_status")

    def __init__(self) -> None:
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []

    def start(self, message: Message) -> None:
        """Take status and headers; raise `RuntimeError` for a status that ends nothing."""
        status = message["status"]
        if status not in FINAL_STATUSES:
            raise RuntimeError(f"status {status!r} cannot deny a connection, 200 to 599 can")
        self._status = status
        self._headers = list(message.get("headers") or ())

    def add(self, message: Message) -> bool:
        """Take a part of the body; say whether it was the last one."""
        self._body.append(message.get("body", b""))
        return not message.get("more_body", False)

    def response(self, default_headers: Iterable[tuple[bytes, bytes]]) -> Response:
        """Make the response, which ends its connection.

        Args:
            default_headers: those of the server, where the application has none of the name.

        Raises:
            ValueError: a header cannot be on the wire.
        """
        body = b"".join(self._body)
        headers = Headers(
            (name, value) for name, value in decoded(self._headers) if name.lower() not in FRAMING
        )
        for name, value in decoded(default_headers):
            if name not in headers:
                headers.add(name, value)
        headers["Content-Length"] = str(len(body))
        headers["Connection"] = "close"
        return Response(self._status, phrase_of(self._status), headers, body)


def decoded(fields: Iterable[tuple[bytes, bytes]]) -> Iterable[tuple[str, str]]:
    """Give header fields as text."""
    return ((name.decode("latin-1"), value.decode("latin-1")) for name, value in fields)


def phrase_of(status: int) -> str:
    """Give the words for a status; none where nobody has registered it."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
