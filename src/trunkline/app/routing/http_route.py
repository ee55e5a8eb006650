"""An HTTP handler behind a path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, Self

from trunkline.app.admission.policy import AppAuthenticator
from trunkline.app.routing.http import (
    Answer,
    HttpHandler,
    HttpRequest,
    as_response,
    without_content,
)
from trunkline.app.routing.parameters import choose, parameters_of
from trunkline.app.routing.path import Path
from trunkline.app.routing.routes import Route
from trunkline.protocol.headers import TOKEN
from trunkline.protocol.http1 import Response
from trunkline.server.handler import check_runs


@dataclass(frozen=True, slots=True)
class HttpRoute(Route):
    """A handler, and who may ask it.

    Args:
        handler: takes the request and, by their names, parameters of the path.
        taken: the names of these.
        authenticator: says who asks; `None` answers everybody.
    """

    handler: HttpHandler
    taken: frozenset[str]
    authenticator: AppAuthenticator = None

    @classmethod
    def of(
        cls,
        path: Path,
        methods: Sequence[str],
        handler: HttpHandler,
        authenticator: AppAuthenticator = None,
    ) -> Self:
        """Look at a handler once, for all requests.

        Raises:
            TypeError: it cannot be called for this path, or has a `yield`; or the methods are one
                string.
            ValueError: there is no method, or one that is not a handler's.
        """
        check_runs(handler)
        taken = parameters_of(handler, path, "request")
        return cls(path, check_methods(methods), handler, taken, authenticator)

    async def answer(self, request: HttpRequest, params: dict[str, Any]) -> Response:
        """Call the handler, and make a response of what it gives."""
        result = self.handler(request, **choose(self.taken, params))
        answer: Answer = await result if isawaitable(result) else result
        response = as_response(answer)
        return without_content(response) if request.method == "HEAD" else response


def check_methods(methods: Sequence[str]) -> frozenset[str]:
    """Give the methods that a handler answers, or say why there can be no such handler."""
    if isinstance(methods, str):
        raise TypeError("methods are a list of strings, not one string")
    if not methods:
        raise ValueError("methods are empty: the handler would answer nothing")
    for method in methods:
        if not TOKEN.fullmatch(method) or method != method.upper():
            raise ValueError(f"{method!r} is not a method; one looks like GET")
        # Whoever has GET has HEAD, and preflights are answered by the policy of origins.
        if method in ("HEAD", "OPTIONS"):
            raise ValueError(f"{method} is answered without a handler: leave it out")
    return frozenset(methods)
