"""Hosts: which a server answers for, and every way to write another one."""

from collections.abc import Sequence
from typing import Any

import pytest

from trunkline import Headers, Request, RequestRefused
from trunkline.server.hosts import check_host, check_hosts


def answers(host: str, hosts: Sequence[str] | None, forwarded: str | None = None) -> bool:
    try:
        check_host(Request("/", Headers({"Host": host})), check_hosts(hosts), forwarded)
    except RequestRefused as refused:
        assert str(refused) == "421: this server does not answer for this Host"
        return False
    return True


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("example.com", "example.com"),
        ("EXAMPLE.com", "example.COM"),
        ("example.com.", "example.com"),
        ("example.com", "example.com."),
        ("example.com:8000", "example.com"),
        ("example.com.:8000", "example.com:8000"),
        ("example.com:", "example.com"),
        ("example.com:08000", "example.com:8000"),
        ("example.com", "example.com:443"),
        ("example.com", "example.com:80"),
        ("example.com:443", "example.com:443"),
        ("a.example.com", "*.example.com"),
        ("a.b.Example.com.:8000", "*.example.com"),
        ("a.example.com:8000", "*.example.com:8000"),
        ("127.0.0.1:8000", "127.0.0.1"),
        ("[::1]", "[::1]"),
        ("[0:0::0001]:8000", "[::1]"),
        ("[::1]:8000", "[0::1]:8000"),
        ("[::FFFF:127.0.0.1]", "[::ffff:7f00:1]"),
        ("anything", None),
    ],
)
def test_a_host_of_the_list_is_answered_for(host: str, allowed: str | None) -> None:
    assert answers(host, None if allowed is None else ["other.com", allowed])


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("evil.com", "example.com"),
        ("example.com.evil.com", "example.com"),
        ("evilexample.com", "example.com"),
        ("a.example.com", "example.com"),
        ("example.com..", "example.com"),
        ("example.com:8001", "example.com:8000"),
        ("example.com", "example.com:8000"),
        ("example.com:80", "example.com:443"),
        ("example.com", "*.example.com"),
        (".example.com.evil.com", "*.example.com"),
        ("evilexample.com", "*.example.com"),
        ("*.example.com.", "example.com"),
        ("127.0.0.1.evil.com", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("[::2]", "[::1]"),
        ("[::ffff:127.0.0.1]", "127.0.0.1"),
        ("example%2ecom", "example.com"),
        (".", "example.com"),
    ],
)
def test_another_host_is_not(host: str, allowed: str) -> None:
    assert not answers(host, [allowed])


def test_an_empty_list_answers_for_nobody() -> None:
    assert not answers("example.com", [])


def test_the_host_that_a_trusted_proxy_was_asked_for_counts() -> None:
    assert answers("backend:8000", ["example.com"], forwarded="example.com")
    assert not answers("example.com", ["example.com"], forwarded="evil.com")
    assert answers("example.com", ["example.com"], forwarded=None)


@pytest.mark.parametrize(
    "host",
    [
        "",
        ".",
        "*",
        "*.",
        "*.*.com",
        "ex*mple.com",
        "*example.com",
        "*.[::1]",
        "https://example.com",
        "example.com/",
        "user@example.com",
        "example.com:port",
        "example.com:65536",
        ":8000",
        "::1",
        "bücher.example",
        "example.com, example.org",
    ],
)
def test_a_host_that_no_client_could_mean_is_refused_at_once(host: str) -> None:
    with pytest.raises(ValueError, match="is not a host to answer for; one looks like"):
        check_hosts(["example.com", host])


def test_one_string_is_not_a_list() -> None:
    wrong: Any = "example.com"
    with pytest.raises(TypeError, match="hosts are a list of strings, not one string"):
        check_hosts(wrong)


@pytest.mark.parametrize("host", [None, 8000, b"example.com"])
def test_a_host_is_a_string(host: Any) -> None:
    with pytest.raises(TypeError, match=f"^a host is a string, not {host!r}$"):
        check_hosts(["example.com", host])


def test_a_list_that_changes_later_is_kept_as_it_was() -> None:
    hosts = ["example.com"]
    allowed = check_hosts(hosts)
    hosts.clear()
    check_host(Request("/", Headers({"Host": "example.com"})), allowed)
