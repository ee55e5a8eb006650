"""CORS: the pages that may connect may read, with cookies only where they are named."""

import re

import pytest

from trunkline import SAME_ORIGIN, Headers, Request, RequestRefused
from trunkline.server.cors import answer_preflight, cors_headers, is_preflight
from trunkline.server.origin import Origins

PAGE = "https://example.com"
LISTED: Origins = [PAGE, re.compile(r"https://[a-z]+\.example\.net"), "null", None]


def request_from(*origins: str, method: str = "GET", asks: str | None = None) -> Request:
    lines = [("Host", "api.example.com"), *(("Origin", origin) for origin in origins)]
    if asks is not None:
        lines.append(("Access-Control-Request-Method", asks))
    return Request("/health", Headers(lines), method)


def preflight(*origins: str) -> Request:
    return request_from(*origins, method="OPTIONS", asks="POST")


def headers_for(origin: str | None, origins: Origins) -> dict[str, str]:
    asking = () if origin is None else (origin,)
    return dict(cors_headers(request_from(*asking), origins).raw_items())


@pytest.mark.parametrize("origin", [PAGE, "https://eu.example.net"])
def test_a_listed_page_may_read_with_cookies(origin: str) -> None:
    assert headers_for(origin, LISTED) == {
        "Vary": "Origin",
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
    }


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.com",
        "https://example.com.evil.com",
        "http://example.com",
        "HTTPS://EXAMPLE.COM",
        "https://eu.example.net.evil.com",
        "*",
        "",
        None,
    ],
)
def test_another_page_may_not_and_no_cache_mixes_them_up(origin: str | None) -> None:
    assert headers_for(origin, LISTED) == {"Vary": "Origin"}


def test_two_origins_are_none() -> None:
    assert "Access-Control-Allow-Origin" not in cors_headers(request_from(PAGE, PAGE), LISTED)


def test_null_may_be_anybody_and_sends_no_cookies() -> None:
    assert headers_for("null", LISTED) == {"Vary": "Origin", "Access-Control-Allow-Origin": "null"}
    assert headers_for("null", [PAGE]) == {"Vary": "Origin"}


@pytest.mark.parametrize("origin", [PAGE, "null", None])
def test_where_everybody_may_connect_everybody_may_read_without_cookies(
    origin: str | None,
) -> None:
    assert headers_for(origin, None) == {"Access-Control-Allow-Origin": "*"}


@pytest.mark.parametrize("origin", [PAGE, "https://api.example.com", None])
def test_a_page_of_this_host_needs_no_permission_and_others_get_none(origin: str | None) -> None:
    assert headers_for(origin, SAME_ORIGIN) == {}


# Preflights


@pytest.mark.parametrize(
    ("request_", "is_one"),
    [
        (preflight(PAGE), True),
        (preflight(), False),
        (request_from(PAGE, method="OPTIONS"), False),
        (request_from(PAGE, asks="POST"), False),
    ],
)
def test_a_preflight_is_known_by_method_origin_and_question(
    request_: Request, is_one: bool
) -> None:
    assert is_preflight(request_) is is_one


def test_a_preflight_is_answered_with_what_a_page_may_ask() -> None:
    response = answer_preflight(preflight(PAGE), LISTED, ["GET", "POST"])
    assert (response.status_code, response.body) == (204, b"")
    assert dict(response.headers.raw_items()) == {
        "Access-Control-Allow-Origin": PAGE,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Methods": "GET, POST",
        "Access-Control-Allow-Headers": "Authorization, Content-Type",
        "Access-Control-Max-Age": "600",
        "Vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
    }


def test_a_preflight_of_anybody_is_answered_without_cookies() -> None:
    response = answer_preflight(preflight("https://evil.com"), None, ["GET"], ["X-Token"])
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Access-Control-Allow-Headers"] == "X-Token"
    assert "Access-Control-Allow-Credentials" not in response.headers


@pytest.mark.parametrize("origins", [SAME_ORIGIN, [], [None], ["https://other.com"]])
def test_a_page_that_may_ask_nothing_is_refused(origins: Origins) -> None:
    with pytest.raises(RequestRefused, match=r"^403: this Origin may not ask$"):
        answer_preflight(preflight(PAGE), origins, ["GET"])
