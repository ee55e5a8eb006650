"""The opening request that the user asks for, and the check of its answer."""

from __future__ import annotations

import os
from base64 import b64encode
from dataclasses import dataclass

from trunkline.cli.arguments import ClientArguments
from trunkline.cli.exit_code import ExitCode
from trunkline.cli.failures import Failure
from trunkline.client.connect import USER_AGENT
from trunkline.client.proxy import basic_credentials
from trunkline.protocol.extensions import Deflate, choose_deflate
from trunkline.protocol.handshake import KEY_BYTES, Agreement, check_response, make_request
from trunkline.protocol.headers import Headers
from trunkline.protocol.http1 import Request, Response
from trunkline.protocol.uri import WebSocketURI


@dataclass(frozen=True, slots=True)
class Question:
    """An opening request, and what is needed to check the answer to it."""

    request: Request
    key: str
    deflate: Deflate | None
    subprotocols: list[str]

    def check(self, response: Response) -> Agreement:
        """Give what was agreed on; raise `InvalidHandshake` where the answer does not fit."""
        return check_response(response, self.key, self.subprotocols, self.deflate)


def make_question(arguments: ClientArguments, uri: WebSocketURI, origin: str | None) -> Question:
    """Make the request as `connect()` makes it.

    Args:
        arguments: what the user wants to be in it.
        uri: of the server; credentials in it become Authorization.
        origin: value of Origin, `None` for none.

    Raises:
        Failure: what the user wants cannot be on the wire.
    """
    key = b64encode(os.urandom(KEY_BYTES)).decode()
    headers = Headers(arguments.headers)
    if uri.username is not None and "Authorization" not in headers:
        headers["Authorization"] = basic_credentials(uri.username, uri.password or "")
    deflate = choose_deflate(arguments.compression)
    try:
        request = make_request(
            uri,
            key,
            origin=origin,
            subprotocols=arguments.subprotocols,
            deflate=deflate,
            additional_headers=headers,
            user_agent=USER_AGENT,
        )
    except ValueError as error:
        raise Failure(str(error), ExitCode.USAGE) from error
    return Question(request, key, deflate, list(arguments.subprotocols))


def bare_request(uri: WebSocketURI) -> Request:
    """Make a request to see what speaks at a port, without anything that is secret."""
    return Request("/", Headers({"Host": uri.host_header, "User-Agent": USER_AGENT}))
