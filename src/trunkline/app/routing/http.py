"""Small HTTP: what a handler is given, and what may come back."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from trunkline.auth.identity import Identity
from trunkline.errors import RequestRefused
from trunkline.protocol.headers import Headers
from trunkline.protocol.http1 import Request, Response, make_response

Answer = Response | str | bytes | Mapping[str, Any] | list[Any] | None
"""What a handler may return: text, bytes, what becomes JSON, nothing (204), or a whole response."""
HttpHandler = Callable[..., Answer | Awaitable[Answer]]

# A browser is to take it for what it says that it is (Fetch standard §3.6)
NO_GUESS = {"X-Content-Type-Options": "nosniff"}
BINARY = {"Content-Type": "application/octet-stream"}
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request to an HTTP route.

    Args:
        request: as it arrived; credentials are taken out.
        client: address of the client.
        identity: who it is; `None` where the route does not ask.
        params: parameters in the path.
    """

    request: Request
    client: str
    identity: Identity | None = None
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.request.method

    @property
    def path(self) -> str:
        """The path, without the query."""
        return self.request.path.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the query; the last one of a name counts."""
        return dict(parse_qsl(self.request.path.partition("?")[2], keep_blank_values=True))

    @property
    def headers(self) -> Headers:
        """The header fields."""
        return self.request.headers

    @property
    def body(self) -> bytes:
        """The body; empty for most."""
        return self.request.body

    @property
    def user(self) -> str | None:
        """The user's name; `None` where the route does not ask."""
        return None if self.identity is None else self.identity.user

    def json(self) -> Any:
        """Give the body as JSON.

        Raises:
            RequestRefused: with 400, where it is not; the application answers so by itself.
        """
        try:
            return json.loads(self.body, parse_constant=no_constant)
        except (ValueError, RecursionError):
            raise RequestRefused(HTTPStatus.BAD_REQUEST, "the body is not JSON") from None


def no_constant(name: str) -> Any:
    """Refuse NaN and Infinity, which Python reads and JSON has not (RFC 8259 §6)."""
    raise ValueError(f"{name} is not JSON")


def as_response(answer: Answer) -> Response:
    """Make the response of what a handler gave.

    Raises:
        TypeError, ValueError: it is nothing that a handler may return.
    """
    match answer:
        case Response():
            return copied(answer)
        case None:
            return make_response(HTTPStatus.NO_CONTENT)
        case str():
            return make_response(HTTPStatus.OK, answer, NO_GUESS)
        case bytes():
            return make_response(HTTPStatus.OK, answer, NO_GUESS | BINARY)
        case Mapping() | list():
            value = answer if isinstance(answer, list) else dict(answer)
            text = json.dumps(value, allow_nan=False)
            return make_response(HTTPStatus.OK, text, NO_GUESS | JSON)
    kind = type(answer).__name__
    raise TypeError(f"an HTTP handler returns str, bytes, dict, list, Response or None, not {kind}")


def copied(response: Response) -> Response:
    """Copy a response: a handler may give the same one again, and lines are added to each."""
    # RFC 9110 §15.2: 1xx is not the end of an answer, and 101 would hand the stream over
    if response.status_code < HTTPStatus.OK:
        raise ValueError(f"an HTTP handler cannot answer {response.status_code}")
    return replace(response, headers=Headers(response.headers))


def without_content(response: Response) -> Response:
    """Give the answer to HEAD: all but the content (RFC 9110 §9.3.2)."""
    response.body = b""
    return response


def add_missing(response: Response, headers: Headers) -> Response:
    """Add header lines to a response, but for those of which the handler has its own."""
    for name, value in headers.raw_items():
        # RFC 9110 §12.5.5: this one is a list, and every element of it counts
        if name == "Vary" or name not in response.headers:
            response.headers.add(name, value)
    return response
