"""Whether a process is well, and whether it takes more: for load balancers and supervisors."""

from __future__ import annotations

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING

from trunkline.app.routing.http import HttpRequest
from trunkline.protocol.http1 import Response, make_response

if TYPE_CHECKING:
    from trunkline.app.app import App

JSON = {"Content-Type": "application/json", "Cache-Control": "no-store"}


def answer_health(app: App) -> Callable[[HttpRequest], Response]:
    """Make the handler that says that the loop turns, and what is not safe."""

    def health(request: HttpRequest) -> Response:
        insecure = app.insecurities()
        told = {"status": "ok"} | ({"insecure": insecure} if insecure else {})
        return make_response(HTTPStatus.OK, json.dumps(told) + "\n", JSON)

    return health


def answer_ready(app: App) -> Callable[[HttpRequest], Response]:
    """Make the handler that says whether newcomers are let in: 503 once a drain has begun."""

    def ready(request: HttpRequest) -> Response:
        if all(service.is_ready for service in app.services):
            return make_response(HTTPStatus.OK, '{"status": "ready"}\n', JSON)
        return make_response(HTTPStatus.SERVICE_UNAVAILABLE, '{"status": "draining"}\n', JSON)

    return ready
