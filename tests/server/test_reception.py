"""Requests that are like earlier ones get the answer that those got."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.twins import needs
from tests.server.wire import KEY, request
from trunkline import Limits, Request, Response, serve
from trunkline.connection.heads import Heads, unfold
from trunkline.protocol.date import date_of
from trunkline.protocol.extensions import Deflate
from trunkline.protocol.handshake import Agreement, check_request, negotiate
from trunkline.protocol.http1 import parse_request
from trunkline.server import reception as reception_module
from trunkline.server.options import ServerOptions
from trunkline.server.reception import open_reception, teach


async def handler(ws: object) -> None:
    """Never reached."""


def options(**changes: Any) -> ServerOptions:
    return replace(serve(handler, "localhost", 0)._options, **changes)


def answered(head: bytes) -> tuple[Request, Response, Agreement]:
    """Let the reference answer."""
    request = parse_request(head.removesuffix(b"\r\n\r\n"), Limits())
    agreement, response = negotiate(check_request(request), None, Deflate())
    response.headers["Server"] = "mine/1"
    response.headers["Date"] = "Sun, 06 Nov 1994 08:49:37 GMT"
    return request, response, agreement


@pytest.mark.parametrize("hook", ["process_request", "process_response", "select_subprotocol"])
def test_hooks_see_every_request(hook: str) -> None:
    assert open_reception(options(**{hook: lambda *args: None})) is None


def test_without_compiled_code_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reception_module, "reception_class", lambda: None)
    assert open_reception(options()) is None


@needs("opening")
@pytest.mark.parametrize("extensions", [None, "permessage-deflate; client_max_window_bits"])
def test_the_answer_is_that_of_the_reference(
    monkeypatch: pytest.MonkeyPatch, extensions: str | None
) -> None:
    first = request("/first", Sec_WebSocket_Extensions=extensions)
    later_key = "c" + KEY[1:]
    later = request("/later?x", Sec_WebSocket_Extensions=extensions, Sec_WebSocket_Key=later_key)
    asked, answer, agreement = answered(later)
    monkeypatch.setattr(reception_module, "date_of", lambda second: answer.headers["Date"])
    reception = open_reception(options())
    assert reception is not None
    teach(reception, first.removesuffix(b"\r\n\r\n"), *answered(first))
    greeting = reception.greet(later)
    assert greeting is not None
    assert greeting.answer == answer.serialize()
    assert greeting.agreement == agreement
    answer.headers["Date"] = date_of(int.from_bytes(greeting.own_values[16:20], "little"))
    assert unfold(greeting.pattern, greeting.own_values) == Heads(asked, answer)
