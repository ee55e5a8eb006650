"""Spans of OpenTelemetry."""

import sys
from collections.abc import Sequence
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from tests.app.premises import serving, uri_of
from tests.app.seeing import Ends, ended, get, new_app, visit
from trunkline import Headers, RequestRefused, connect
from trunkline.app.admission.step import Step
from trunkline.app.observation.tracing import Tracing, open_tracing
from trunkline.protocol.http1 import Request, make_response

TRACE = 0x0AF7651916CD43DD8448EB211C80319C
PARENT = 0xB7AD6B7169203331
TRACEPARENT = f"00-{TRACE:032x}-{PARENT:016x}-01"

Spans = InMemorySpanExporter


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(spans: Spans) -> Tracing:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    return Tracing(provider)


def found(spans: Spans) -> Sequence[ReadableSpan]:
    return spans.get_finished_spans()


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


# In an application


async def test_a_connection_has_two_spans_that_are_linked(spans: Spans, tracing: Tracing) -> None:
    app = new_app(tracing=False)
    app.observe(tracing)
    ends = Ends(app)
    headers = {"traceparent": TRACEPARENT}
    async with serving(app) as server:
        uri = uri_of(server, "/rooms/7?token=secret")
        async with connect(uri, additional_headers=headers) as ws:
            await ws.send("no span for a message")
            await ws.recv()
        await ends.come()
    handshake, life = found(spans)
    assert handshake.name == "GET /rooms/{room}"
    assert handshake.kind is SpanKind.SERVER
    assert handshake.parent is not None
    assert (handshake.parent.trace_id, handshake.parent.span_id) == (TRACE, PARENT)
    assert attributes(handshake) == {
        "client.address": "127.0.0.1",
        "network.peer.address": "127.0.0.1",
        "http.route": "/rooms/{room}",
        "url.scheme": "http",
        "url.path": "/rooms/7",
        "http.request.method": "GET",
        "http.response.status_code": 101,
    }
    assert life.name == "WebSocket /rooms/{room}"
    assert life.parent is None
    assert [link.context for link in life.links] == [handshake.context]
    assert attributes(life)["trunkline.close.code"] == 1000
    assert attributes(life)["trunkline.close.closer"] == "peer"
    assert "error.type" not in attributes(life)


async def test_an_answer_over_http_has_a_span(spans: Spans, tracing: Tracing) -> None:
    app = new_app(tracing=False)
    app.observe(tracing)
    async with serving(app) as server:
        await get(server, "/health?token=secret")
    [span] = found(spans)
    assert span.name == "GET /health"
    assert attributes(span)["http.response.status_code"] == 200
    assert attributes(span)["url.path"] == "/health"
    assert span.parent is None
    assert span.status.status_code is StatusCode.UNSET


def test_an_application_traces_unless_it_is_told_not_to() -> None:
    def kinds(**options: Any) -> list[type]:
        return [type(observer) for observer in new_app(**options).observers.observers]

    assert Tracing in kinds()
    assert Tracing not in kinds(tracing=False)


# Refusals


def test_a_refusal_names_its_step_and_is_no_error_of_the_server(
    spans: Spans, tracing: Tracing
) -> None:
    tracing.refused(visit(step=Step.ORIGIN), RequestRefused(403, "no"))
    [span] = found(spans)
    assert attributes(span)["trunkline.refused.step"] == "origin"
    assert attributes(span)["http.response.status_code"] == 403
    assert "error.type" not in attributes(span)
    assert span.status.status_code is StatusCode.UNSET


def test_a_mistake_of_the_server_is_an_error(spans: Spans, tracing: Tracing) -> None:
    tracing.refused(visit(step=Step.HANDLER), RequestRefused(500, "see the log"))
    [span] = found(spans)
    assert attributes(span)["error.type"] == "500"
    assert span.status.status_code is StatusCode.ERROR


def test_what_cannot_be_read_has_a_span_without_a_path(spans: Spans, tracing: Tracing) -> None:
    unread = visit(request=None, route=None, step=Step.REQUEST)
    tracing.refused(unread, RequestRefused(400, "no"))
    [span] = found(spans)
    assert span.name == "HTTP"
    assert span.parent is None
    assert attributes(span).keys() == {
        "client.address",
        "network.peer.address",
        "url.scheme",
        "http.response.status_code",
        "trunkline.refused.step",
    }


def test_a_token_that_is_refused_has_no_span(spans: Spans, tracing: Tracing) -> None:
    tracing.refused(visit(connection=ended(3500)), RequestRefused(401, "no"))
    assert found(spans) == ()


# Details


def test_a_method_that_a_stranger_makes_up_names_no_span(spans: Spans, tracing: Tracing) -> None:
    request = Request("/", Headers(), "BREW")
    tracing.answered(visit(request=request, route=None), make_response(405))
    [span] = found(spans)
    assert span.name == "HTTP"
    assert attributes(span)["http.request.method"] == "_OTHER"
    assert attributes(span)["http.request.method_original"] == "BREW"


def test_a_span_begins_with_the_arrival(spans: Spans, tracing: Tracing) -> None:
    tracing.answered(visit(is_secure=True), make_response(200))
    [span] = found(spans)
    assert span.start_time is not None and span.end_time is not None
    assert span.end_time - span.start_time == 1_500_000_000
    assert attributes(span)["url.scheme"] == "https"


@pytest.mark.parametrize(("code", "status"), [(1006, StatusCode.UNSET), (1011, StatusCode.ERROR)])
def test_an_end_that_is_not_well_is_named(
    spans: Spans, tracing: Tracing, code: int, status: StatusCode
) -> None:
    there = visit()
    tracing.opened(there, ended(code))
    tracing.closed(there, ended(code))
    _, life = found(spans)
    assert attributes(life)["error.type"] == str(code)
    assert life.status.status_code is status


def test_a_life_that_began_before_has_no_span(spans: Spans, tracing: Tracing) -> None:
    tracing.closed(visit(), ended(1000))
    assert found(spans) == ()


def test_nothing_is_imported_where_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", None)
    assert open_tracing() is None
