"""Scopes made of requests, and requests made of scopes."""

from __future__ import annotations

from typing import Any

import pytest

from trunkline.integrations.scope import request_of, scope_of
from trunkline.protocol.headers import Headers
from trunkline.protocol.http1 import Request

HEADERS = [("Host", "here"), ("X-Latin", "caf\xe9"), ("X-Two", "1"), ("X-Two", "2")]


def make_request(path: str) -> Request:
    return Request(path, Headers(HEADERS))


def test_a_scope_says_what_the_request_says() -> None:
    scope = scope_of(make_request("/a%20b?c=%64"), ["x"], "/site")
    assert (scope["path"], scope["raw_path"]) == ("/site/a b", b"/site/a%20b")
    assert (scope["query_string"], scope["subprotocols"]) == (b"c=%64", ["x"])
    assert scope["headers"] == [
        (b"host", b"here"),
        (b"x-latin", b"caf\xe9"),
        (b"x-two", b"1"),
        (b"x-two", b"2"),
    ]


@pytest.mark.parametrize("path", ["/", "/a%20b/c", "/a?b=c", "/%2F?x"])
def test_there_and_back_a_request_stays_the_same(path: str) -> None:
    there = scope_of(make_request(path), [], "")
    back = request_of(there)
    assert back.path == path
    assert back.headers == Headers(HEADERS)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"path": "/live/a", "raw_path": b"/live/a", "root_path": "/live"}, "/a"),
        ({"path": "/live", "raw_path": b"/live", "root_path": "/live"}, "/"),
        ({"path": "/ä b/a", "raw_path": b"/%C3%A4%20b/a%2Fb", "root_path": "/ä b"}, "/a%2Fb"),
        ({"path": "/live/ä b"}, "/live/%C3%A4%20b"),
        ({"path": "/a", "raw_path": None, "query_string": b"q=1"}, "/a?q=1"),
        ({"path": "/other", "raw_path": b"/other", "root_path": "/proxy"}, "/other"),
    ],
)
def test_the_path_is_what_follows_the_mount(changes: dict[str, Any], path: str) -> None:
    assert request_of({"headers": [], **changes}).path == path


@pytest.mark.parametrize("known", [[], [(b"sec-websocket-protocol", b"x, y")]])
def test_subprotocols_that_the_server_keeps_to_itself_are_put_back(known: Any) -> None:
    request = request_of({"path": "/", "headers": known, "subprotocols": ["x", "y"]})
    assert request.headers.get_all("Sec-WebSocket-Protocol") == ["x, y"]
