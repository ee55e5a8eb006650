"""An HTTP handler behind a path."""

from __future__ import annotations

from dataclasses import dataclass
from inspect import isawaitable
from typing import Any

from trunkline.app.http import Answer, HttpHandler, HttpRequest, as_response, without_content
from trunkline.app.policy import AppAuthenticator
from trunkline.app.routes import Route
from trunkline.protocol.http1 import Response


@dataclass(frozen=True, slots=True)
class HttpRoute(Route):
    """A handler, and who may ask it.

    Args:
        handler: takes the request and, by their names, the parameters of the path.
        authenticator: says who asks; `None` answers everybody.
    """

    handler: HttpHandler
    authenticator: AppAuthenticator = None

    async def answer(self, request: HttpRequest, params: dict[str, Any]) -> Response:
        """Call the handler, and make a response of what it gives."""
        result = self.handler(request, **params)
        answer: Answer = await result if isawaitable(result) else result
        response = as_response(answer)
        return without_content(response) if request.method == "HEAD" else response
