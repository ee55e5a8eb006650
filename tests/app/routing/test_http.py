"""What an HTTP handler is given, and what becomes of what it gives."""

import json
from types import MappingProxyType
from typing import Any

import pytest

from trunkline import Headers, Request, RequestRefused, Response
from trunkline.app.routing.http import HttpRequest, add_missing, as_response, without_content
from trunkline.auth import Identity

HEADERS = Headers({"Host": "a", "X-Word": "yes"})


def asked(path: str = "/", body: bytes = b"", **known: Any) -> HttpRequest:
    return HttpRequest(Request(path, HEADERS, "POST", body), "192.0.2.1", **known)


# What a handler is given


def test_a_request_tells_what_arrived() -> None:
    request = asked("/a/b?x=1", b"body", params={"p": 1})
    assert (request.method, request.path, request.body) == ("POST", "/a/b", b"body")
    assert (request.headers["X-Word"], request.client) == ("yes", "192.0.2.1")
    assert request.params == {"p": 1}


def test_a_request_tells_who_asks() -> None:
    assert asked().user is None
    assert asked(identity=Identity("ann")).user == "ann"


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/", {}),
        ("/?", {}),
        ("/?a=1&b=&c", {"a": "1", "b": "", "c": ""}),
        ("/?a=1&a=2", {"a": "2"}),
        ("/?a=%20b+c&%61=d", {"a": "d"}),
        ("/?a=b%ff", {"a": "b\ufffd"}),
    ],
)
def test_a_query_is_read(path: str, query: dict[str, str]) -> None:
    assert asked(path).query == query


@pytest.mark.parametrize(
    ("body", "value"),
    [(b"1", 1), (b' {"a": [null]} ', {"a": [None]}), (b'{"a": 1, "a": 2}', {"a": 2})],
)
def test_a_body_is_read_as_json(body: bytes, value: object) -> None:
    assert asked(body=body).json() == value


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff", b"[" * 100_000, b"NaN", b"[-Infinity]", b"1" * 5_000],
    ids=["nothing", "half", "no UTF-8", "too deep", "NaN", "infinite", "too long a number"],
)
def test_a_body_that_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(RequestRefused, match="400: the body is not JSON"):
        asked(body=body).json()


# What it gives


@pytest.mark.parametrize(
    ("answer", "kind", "body"),
    [
        ("héllo", "text/plain; charset=utf-8", "héllo".encode()),
        (b"\x00\x01", "application/octet-stream", b"\x00\x01"),
        ({"a": "é"}, "application/json", b'{"a": "\\u00e9"}'),
        (MappingProxyType({"a": 1}), "application/json", b'{"a": 1}'),
        ([1, "b"], "application/json", b'[1, "b"]'),
    ],
)
def test_values_become_responses(answer: Any, kind: str, body: bytes) -> None:
    response = as_response(answer)
    assert (response.status_code, response.headers["Content-Type"]) == (200, kind)
    assert response.body == body
    assert response.headers["Content-Length"] == str(len(body))
    # Whatever a stranger has put into it: a browser is not to guess that it is a page.
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_nothing_is_an_answer_without_content() -> None:
    response = as_response(None)
    assert (response.status_code, response.body) == (204, b"")
    assert "Content-Length" not in response.headers


def test_a_response_is_copied() -> None:
    constant = Response(418, "I'm a teapot", Headers({"X-A": "b"}), b"short and stout")
    given = as_response(constant)
    assert given == constant
    without_content(given).headers.add("X-C", "d")
    assert constant.body == b"short and stout"
    assert "X-C" not in constant.headers


@pytest.mark.parametrize(
    ("answer", "error", "problem"),
    [
        (
            42,
            TypeError,
            "an HTTP handler returns str, bytes, dict, list, Response or None, not int",
        ),
        ({"a": object()}, TypeError, "not JSON serializable"),
        ([float("nan")], ValueError, "not JSON compliant"),
        (Response(101, "Switching Protocols"), ValueError, "an HTTP handler cannot answer 101"),
        (Response(100, "Continue"), ValueError, "an HTTP handler cannot answer 100"),
    ],
)
def test_other_answers_are_errors(answer: Any, error: type[Exception], problem: str) -> None:
    with pytest.raises(error, match=problem):
        as_response(answer)


def test_head_is_told_how_long_the_content_is() -> None:
    response = without_content(as_response("hello"))
    assert (response.body, response.headers["Content-Length"]) == (b"", "5")


def test_a_handler_may_have_lines_of_its_own() -> None:
    response = as_response(Response(200, "OK", Headers({"Vary": "Accept", "X-A": "own"})))
    add_missing(response, Headers({"vary": "x", "X-A": "b", "X-C": "d"}))
    assert response.headers["X-A"] == "own"
    assert response.headers["X-C"] == "d"
    add_missing(response, Headers({"Vary": "Origin"}))
    assert response.headers.get_list("Vary") == "Accept, Origin"


def test_json_of_a_page_is_json() -> None:
    assert json.loads(as_response({"<script>": "</script>"}).body) == {"<script>": "</script>"}
