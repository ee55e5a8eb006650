"""Origins: what a page may send, and every trick to look like another."""

import re
from typing import Any

import pytest

from trunkline import SAME_ORIGIN, Headers, Request, RequestRefused
from trunkline.server.origin import Origins, check_origin, check_origins, freeze


def request_from(origin: str | None, host: str = "example.com") -> Request:
    headers = Headers({"Host": host})
    if origin is not None:
        headers["Origin"] = origin
    return Request("/", headers)


def may_connect(origin: str | None, origins: Origins, host: str = "example.com") -> bool:
    try:
        check_origin(request_from(origin, host), origins)
    except RequestRefused as refused:
        assert refused.status == 403
        return False
    return True


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (None, "example.com"),
        ("http://example.com", "example.com"),
        ("https://example.com", "example.com"),
        ("http://example.com", "EXAMPLE.com"),
        ("http://example.com", "example.com:80"),
        ("https://example.com", "example.com:443"),
        ("http://example.com:8000", "example.com:8000"),
        ("http://127.0.0.1:8000", "127.0.0.1:8000"),
        ("http://[::1]:8000", "[::1]:8000"),
        ("http://[::1]", "[::1]"),
    ],
)
def test_a_page_may_connect_to_the_host_that_it_came_from(origin: str | None, host: str) -> None:
    assert may_connect(origin, SAME_ORIGIN, host)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://evil.com", "example.com"),
        ("http://example.com.evil.com", "example.com"),
        ("http://evilexample.com", "example.com"),
        ("http://sub.example.com", "example.com"),
        ("http://example.com.", "example.com"),
        ("http://example.com:8001", "example.com:8000"),
        ("http://example.com", "example.com:8000"),
        ("http://example.com:8000", "example.com"),
        ("http://example.com", "example.com:443"),
        ("https://example.com", "example.com:80"),
        ("http://[::2]:8000", "[::1]:8000"),
        ("http://example.com@evil.com", "example.com"),
        ("http://evil.com@example.com", "example.com"),
        ("http://evil.com\\@example.com", "example.com"),
        ("http://exam\tple.com", "example.com"),
        ("http://example.com/", "example.com"),
        ("http://example.com/path", "example.com"),
        ("http://example.com?", "example.com"),
        ("http://example.com http://evil.com", "example.com"),
        ("null", "example.com"),
        ("", "example.com"),
        ("example.com", "example.com"),
        ("//example.com", "example.com"),
        ("http://", "example.com"),
        ("http://:80", "example.com"),
        ("http://example.com:port", "example.com"),
        ("http://example.com:65536", "example.com"),
        ("http://[::1", "[::1]"),
        ("file://example.com", "example.com"),
        ("chrome-extension://example.com", "example.com"),
    ],
)
def test_a_page_from_elsewhere_may_not_connect(origin: str, host: str) -> None:
    assert not may_connect(origin, SAME_ORIGIN, host)


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://example.com", True),
        ("http://example.com", False),
        ("HTTPS://EXAMPLE.COM", False),
        ("https://example.com:443", False),
        ("https://example.com.evil.com", False),
        ("https://eu.example.net", True),
        ("https://eu.example.net.evil.com", False),
        ("https://evil.com#https://eu.example.net", False),
        ("null", False),
        (None, False),
    ],
)
def test_a_list_lets_in_what_is_equal_or_matches_as_a_whole(
    origin: str | None, allowed: bool
) -> None:
    origins = ["https://example.com", re.compile(r"https://[a-z]+\.example\.net")]
    assert may_connect(origin, origins) is allowed


def test_none_in_a_list_lets_in_clients_without_origin() -> None:
    assert may_connect(None, ["https://example.com", None])
    assert not may_connect("null", ["https://example.com", None])


def test_null_is_let_in_only_by_its_name() -> None:
    assert may_connect("null", ["null"])
    assert not may_connect(None, ["null"])


def test_an_empty_list_lets_nobody_in() -> None:
    assert not may_connect(None, [])
    assert not may_connect("http://example.com", [])


@pytest.mark.parametrize("origin", [None, "null", "https://evil.com", "anything"])
def test_none_instead_of_a_list_lets_everybody_in(origin: str | None) -> None:
    assert may_connect(origin, None)


def test_a_refusal_says_which_way_it_went_wrong_and_repeats_nothing() -> None:
    with pytest.raises(RequestRefused, match="Origin is missing"):
        check_origin(request_from(None), ["null"])
    with pytest.raises(RequestRefused, match=r"^403: this Origin may not connect$"):
        check_origin(request_from("http://evil.com"), SAME_ORIGIN)


def test_what_a_proxy_was_asked_for_counts_instead_of_its_own_name() -> None:
    behind_proxy = request_from("https://example.com", host="app.internal:8000")
    check_origin(behind_proxy, SAME_ORIGIN, "example.com")
    with pytest.raises(RequestRefused):
        check_origin(behind_proxy, SAME_ORIGIN)
    with pytest.raises(RequestRefused):
        check_origin(request_from("https://app.internal:8000"), SAME_ORIGIN, "example.com")


@pytest.mark.parametrize(
    "origins",
    [None, SAME_ORIGIN, [], [None], ["null"], ["https://example.com:8000"], [re.compile("x")]],
)
def test_a_policy_that_can_match_is_taken(origins: Origins) -> None:
    check_origins(origins)


@pytest.mark.parametrize(
    "origin",
    [
        "example.com",
        "https://",
        "https://example.com/",
        "https://user@example.com",
        "HTTPS://example.com",
        "*",
    ],
)
def test_a_policy_that_never_matches_is_refused(origin: str) -> None:
    with pytest.raises(ValueError, match="is not an origin; one looks like"):
        check_origins([origin])


def test_one_string_is_not_a_list() -> None:
    wrong: Any = "https://example.com"
    with pytest.raises(TypeError, match="origins are a list of strings, not one string"):
        check_origins(wrong)


@pytest.mark.parametrize("origin", [5, b"https://example.com", ["https://example.com"]])
def test_an_origin_is_a_string_a_pattern_or_none(origin: Any) -> None:
    wanted = re.escape(f"an origin is a string, a pattern or None, not {origin!r}")
    with pytest.raises(TypeError, match=f"^{wanted}$"):
        check_origins(["https://example.com", origin])


@pytest.mark.parametrize("origins", [None, SAME_ORIGIN])
def test_a_policy_that_cannot_change_is_kept(origins: Origins) -> None:
    assert freeze(origins) is origins


def test_a_list_that_changes_later_is_kept_as_it_was() -> None:
    origins = ["https://example.com", None]
    frozen = freeze(origins)
    origins.clear()
    assert frozen == ("https://example.com", None)
