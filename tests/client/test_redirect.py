"""Redirects: where they lead, and what is left behind."""

import socket
from dataclasses import fields, replace
from typing import Any

import pytest

from trunkline import Headers, Response, SecurityError
from trunkline.client.options import ClientOptions
from trunkline.client.redirect import redirect_target, redirected
from trunkline.protocol.uri import parse_uri

NOWHERE: dict[str, Any] = dict.fromkeys(field.name for field in fields(ClientOptions))
HERE = parse_uri("ws://example.com:8000/a/b?c=d")


def options_with(**changes: Any) -> ClientOptions:
    options = replace(ClientOptions(**NOWHERE), additional_headers=Headers())
    return replace(options, **changes)


def target_of(location: str, uri: str = "ws://example.com:8000/a/b?c=d", status: int = 302) -> str:
    response = Response(status, "Found", Headers({"Location": location}))
    target = redirect_target(response, parse_uri(uri))
    return f"{target}?{target.query}" if target and target.query else str(target)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_every_redirect_is_followed(status: int) -> None:
    assert target_of("/new", status=status) == "ws://example.com:8000/new"


@pytest.mark.parametrize("status", [200, 300, 304, 305, 404, 500])
def test_other_answers_are_no_redirects(status: int) -> None:
    assert target_of("/new", status=status) == "None"


@pytest.mark.parametrize("locations", [[], ["/a", "/b"]])
def test_without_one_location_it_is_no_redirect(locations: list[str]) -> None:
    headers = Headers([("Location", location) for location in locations])
    assert redirect_target(Response(302, "Found", headers), HERE) is None


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/new?x=y", "ws://example.com:8000/new?x=y"),
        ("new", "ws://example.com:8000/a/new"),
        ("../new", "ws://example.com:8000/new"),
        ("?x", "ws://example.com:8000/a/b?x"),
        ("//other.com/x", "ws://other.com/x"),
        ("ws://other.com/x", "ws://other.com/x"),
        ("http://other.com/x", "ws://other.com/x"),
        ("https://other.com/x", "wss://other.com/x"),
        ("wss://example.com:8000/x#part", "wss://example.com:8000/x"),
    ],
)
def test_a_location_is_resolved(location: str, target: str) -> None:
    assert target_of(location) == target


@pytest.mark.parametrize(
    "location",
    [
        *("ftp://example.com/", "javascript:alert(1)", "ws://a:99999/", "ws://a b/"),
        *("ws://[", "//[::1", "ws://[zz::1]/"),
    ],
)
def test_a_location_that_is_no_websocket_address_is_refused(location: str) -> None:
    with pytest.raises(SecurityError, match="redirects to no WebSocket address"):
        target_of(location)


@pytest.mark.parametrize("location", ["ws://example.com/", "http://example.com/"])
def test_a_redirect_never_leads_out_of_tls(location: str) -> None:
    with pytest.raises(SecurityError, match=r"from wss:// to ws://example\.com/, which is not"):
        target_of(location, uri="wss://example.com/")


def test_credentials_of_the_address_stay_within_its_origin() -> None:
    response = Response(302, "Found", Headers({"Location": "/new"}))
    target = redirect_target(response, parse_uri("ws://me:secret@example.com/"))
    assert target is not None
    assert (target.username, target.password) == ("me", "secret")


def test_credentials_of_the_location_win() -> None:
    response = Response(302, "Found", Headers({"Location": "ws://you:open@example.com/"}))
    target = redirect_target(response, parse_uri("ws://me:secret@example.com/"))
    assert target is not None
    assert (target.username, target.password) == ("you", "open")


def test_credentials_of_the_address_do_not_cross_origins() -> None:
    response = Response(302, "Found", Headers({"Location": "ws://other.com/"}))
    target = redirect_target(response, parse_uri("ws://me:secret@example.com/"))
    assert target is not None
    assert (target.username, target.password) == (None, None)


SECRETS = [
    ("Authorization", "Bearer x"),
    ("cookie", "a=b"),
    ("COOKIE", "c=d"),
    ("Host", "example.com"),
    ("Proxy-Authorization", "Basic x"),
    ("X-Kept", "1"),
]


@pytest.mark.parametrize(
    "target", ["ws://other.com:8000/", "ws://example.com:8001/", "wss://example.com:8000/"]
)
def test_headers_with_credentials_do_not_cross_origins(target: str) -> None:
    options = options_with(additional_headers=Headers(SECRETS), server_hostname="example.com")
    changed = redirected(options, HERE, parse_uri(target))
    assert list(changed.additional_headers.raw_items()) == [("X-Kept", "1")]
    assert changed.server_hostname is None


def test_within_an_origin_everything_stays() -> None:
    options = options_with(additional_headers=Headers(SECRETS), port=1, server_hostname="x")
    assert redirected(options, HERE, parse_uri("ws://example.com:8000/new")) is options


def test_a_directed_stream_does_not_cross_origins() -> None:
    with socket.socket() as sock, pytest.raises(SecurityError, match="away from the given address"):
        redirected(options_with(sock=sock), HERE, parse_uri("ws://other.com/"))
