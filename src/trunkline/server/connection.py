"""A connection that a server has accepted, or is about to."""

from __future__ import annotations

from trunkline.connection.connection import Connection
from trunkline.protocol.headers import HeadersLike
from trunkline.protocol.http1 import Response, make_response


class ServerConnection(Connection):
    """The server's side of a connection; `request` is there from the beginning."""

    def respond(self, status: int, body: str | bytes = "", headers: HeadersLike = ()) -> Response:
        """Make an HTTP response, for `process_request` to return.

        Args:
            status: HTTP status code.
            body: text or bytes; text/plain unless `headers` say otherwise.
            headers: further header fields.
        """
        return make_response(status, body, headers)
