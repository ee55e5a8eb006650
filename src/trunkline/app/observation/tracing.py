"""Spans of OpenTelemetry, where its API is installed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from trunkline.app.observation.observer import Observer
from trunkline.close_codes import CloseCode
from trunkline.errors import ConnectionClosed, ConnectionClosedOK, RequestRefused
from trunkline.protocol.http1 import Request, Response
from trunkline.version import VERSION

if TYPE_CHECKING:
    from opentelemetry.trace import Span, TracerProvider

    from trunkline.app.connection import AppConnection
    from trunkline.app.visit import Visit

Attributes = dict[str, str | int]

NANOSECONDS = 1_000_000_000

METHODS = frozenset(
    {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"}
)
"""Those that may stand in a span as they are (OpenTelemetry, semantic conventions for HTTP)."""

UPGRADED = 101
FIRST_SERVER_ERROR = 500


def open_tracing() -> Tracing | None:
    """Make what writes spans; `None` where OpenTelemetry is not installed."""
    try:
        import opentelemetry.trace  # noqa: F401
    except ImportError:
        return None
    return Tracing()


class Tracing(Observer):
    """Writes a span for each request, and one for the life of each WebSocket, linked to it.

    There is none for a message. A span of a request has the parent that its headers name.

    Args:
        provider: of tracers; by default the one of the process.
    """

    def __init__(self, provider: TracerProvider | None = None) -> None:
        from opentelemetry import context, propagate, trace

        self._trace = trace
        self._extract = propagate.extract
        self._new_context = context.Context
        self._tracer = trace.get_tracer("trunkline", VERSION, provider)
        self._lives: dict[Visit, Span] = {}

    def refused(self, visit: Visit, refused: RequestRefused) -> None:
        """Write the span of a request that is refused; that of a token in a message has none."""
        if visit.connection is None:
            step: Attributes = {"trunkline.refused.step": visit.step.value}
            self._write_request(visit, int(refused.status), step)

    def answered(self, visit: Visit, response: Response) -> None:
        """Write the span of a request that is answered over HTTP."""
        self._write_request(visit, int(response.status_code), {})

    def opened(self, visit: Visit, connection: AppConnection) -> None:
        """Write the span of a handshake, and begin that of a life."""
        request = self._write_request(visit, UPGRADED, {})
        self._lives[visit] = self._tracer.start_span(
            f"WebSocket {visit.route}",
            # A trace of its own: it may last for days.
            context=self._new_context(),
            attributes=describe_client(visit),
            links=[self._trace.Link(request.get_span_context())],
        )

    def closed(self, visit: Visit, connection: AppConnection) -> None:
        """End the span of a life, unless that began before anybody traced."""
        span = self._lives.pop(visit, None)
        if span is None:
            return
        end = connection.closed()
        span.set_attributes(describe_end(end))
        if end.code == CloseCode.INTERNAL_ERROR:
            span.set_status(self._trace.StatusCode.ERROR)
        span.end()

    def _write_request(self, visit: Visit, status: int, more: Attributes) -> Span:
        """Write a span that begins with the arrival, and ends now."""
        now = time.time_ns()
        span = self._tracer.start_span(
            name_of(visit),
            context=self._parent_of(visit.request),
            kind=self._trace.SpanKind.SERVER,
            attributes=describe_request(visit, status) | more,
            start_time=now - int(visit.seconds() * NANOSECONDS),
        )
        if status >= FIRST_SERVER_ERROR:
            span.set_status(self._trace.StatusCode.ERROR)
        span.end(now)
        return span

    def _parent_of(self, request: Request | None) -> Any:
        lines = [] if request is None else request.headers.raw_items()
        # What runs here by chance is no parent.
        carrier = {name.lower(): value for name, value in lines}
        return self._extract(carrier, context=self._new_context())


def name_of(visit: Visit) -> str:
    """Name the span of a request, by nothing that a stranger chooses."""
    method = "HTTP" if visit.request is None else visit.request.method
    method = method if method in METHODS else "HTTP"
    return method if visit.route is None else f"{method} {visit.route}"


def describe_client(visit: Visit) -> Attributes:
    """Say who came, and to which route."""
    found: Attributes = {"client.address": visit.address, "network.peer.address": visit.peer}
    if visit.route is not None:
        found["http.route"] = visit.route
    return found


def describe_request(visit: Visit, status: int) -> Attributes:
    """Describe a request as the semantic conventions for HTTP say; the query is left out."""
    found = describe_client(visit) | {
        "url.scheme": "https" if visit.is_secure else "http",
        "http.response.status_code": status,
    }
    request = visit.request
    if request is not None:
        method = request.method
        found["http.request.method"] = method if method in METHODS else "_OTHER"
        if method not in METHODS:
            found["http.request.method_original"] = method
        found["url.path"] = request.path.partition("?")[0]
    if status >= FIRST_SERVER_ERROR:
        found["error.type"] = str(status)
    return found


def describe_end(end: ConnectionClosed) -> Attributes:
    """Say how a WebSocket has ended."""
    found: Attributes = {
        "trunkline.close.code": int(end.code),
        "trunkline.close.reason": end.reason,
        "trunkline.close.closer": end.closer.name.lower(),
    }
    if not isinstance(end, ConnectionClosedOK):
        found["error.type"] = str(int(end.code))
    return found
