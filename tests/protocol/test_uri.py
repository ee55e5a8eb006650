"""WebSocket addresses: what each part becomes, and what is none (RFC 6455 §3, RFC 3986)."""

import pytest

from trunkline.errors import InvalidURI
from trunkline.protocol.uri import WebSocketURI, parse_uri

LONG_LABEL = "ä" * 64


@pytest.mark.parametrize(
    ("uri", "parsed"),
    [
        (
            "ws://example.com/chat?room=1",
            WebSocketURI(False, "example.com", 80, "/chat", "room=1"),
        ),
        ("wss://example.com", WebSocketURI(True, "example.com", 443, "/", "")),
        ("WSS://EXAMPLE.com/A", WebSocketURI(True, "example.com", 443, "/A", "")),
        ("ws://example.com?room", WebSocketURI(False, "example.com", 80, "/", "room")),
        ("ws://example.com:", WebSocketURI(False, "example.com", 80, "/", "")),
        ("ws://example.com:443/", WebSocketURI(False, "example.com", 443, "/", "")),
        ("ws://127.0.0.1:8765/", WebSocketURI(False, "127.0.0.1", 8765, "/", "")),
        ("ws://[::1]:8765/", WebSocketURI(False, "::1", 8765, "/", "")),
        ("ws://my_host.local.", WebSocketURI(False, "my_host.local.", 80, "/", "")),
        ("ws://h//double", WebSocketURI(False, "h", 80, "//double", "")),
        ("ws://me@h/", WebSocketURI(False, "h", 80, "/", "", "me", "")),
        ("ws://me:p%40ss@h/", WebSocketURI(False, "h", 80, "/", "", "me", "p@ss")),
        ("ws://a@b:c@h/", WebSocketURI(False, "h", 80, "/", "", "a@b", "c")),
    ],
)
def test_an_address_is_taken_apart(uri: str, parsed: WebSocketURI) -> None:
    assert parse_uri(uri) == parsed


@pytest.mark.parametrize("zone", ["%25eth0", "%eth0"], ids=["encoded", "as it is often written"])
def test_the_zone_of_an_ipv6_address_is_for_connecting_and_not_for_the_server(zone: str) -> None:
    parsed = parse_uri(f"ws://[fe80::1{zone}]:8765/")
    assert parsed.host == "fe80::1%eth0"
    assert parsed.host_header == "[fe80::1]:8765"
    assert str(parsed) == "ws://[fe80::1%25eth0]:8765/"


@pytest.mark.parametrize(
    ("uri", "resource_name"),
    [
        ("ws://h", "/"),
        ("ws://h?", "/"),
        ("ws://h?query", "/?query"),
        ("ws://h/a/b?c=d&e", "/a/b?c=d&e"),
        ("ws://h/grün?größe=Ω", "/gr%C3%BCn?gr%C3%B6%C3%9Fe=%CE%A9"),
        ("ws://h/%2F%41;p='(1)'!*[2]~", "/%2F%41;p='(1)'!*[2]~"),
        ('ws://h/"<>\\^`{|}', "/%22%3C%3E%5C%5E%60%7B%7C%7D"),
        ("ws://h/\x85\u2028", "/%C2%85%E2%80%A8"),
    ],
)
def test_path_and_query_are_what_the_request_line_can_carry(uri: str, resource_name: str) -> None:
    assert parse_uri(uri).resource_name == resource_name


@pytest.mark.parametrize(
    ("uri", "host_header"),
    [
        ("ws://example.com:80/", "example.com"),
        ("wss://example.com:443/", "example.com"),
        ("ws://example.com:443/", "example.com:443"),
        ("wss://example.com:80/", "example.com:80"),
        ("ws://[::1]/", "[::1]"),
        ("ws://[::1]:8765/", "[::1]:8765"),
        ("ws://bücher.example/", "xn--bcher-kva.example"),
        ("ws://me:secret@example.com/", "example.com"),
    ],
)
def test_the_host_header_has_the_port_where_it_is_not_the_default(
    uri: str, host_header: str
) -> None:
    assert parse_uri(uri).host_header == host_header


def test_the_origin_is_what_may_share_credentials() -> None:
    origins = {
        parse_uri(uri).origin
        for uri in ("ws://h/a", "ws://h:80/b?c", "ws://me@H/", "wss://h/", "ws://h:81/", "ws://i/")
    }
    assert origins == {("ws", "h", 80), ("wss", "h", 443), ("ws", "h", 81), ("ws", "i", 80)}


def test_an_address_is_shown_without_what_may_be_a_secret() -> None:
    shown = str(parse_uri("wss://me:secret@example.com:8443/chat?room=1"))
    assert shown == "wss://example.com:8443/chat"


@pytest.mark.parametrize(
    ("uri", "problem"),
    [
        ("http://h/", "does not begin with ws:// or wss://"),
        ("//h/", "does not begin with ws:// or wss://"),
        ("h:80", "does not begin with ws:// or wss://"),
        ("", "does not begin with ws:// or wss://"),
        ("ws:///x", "has no host"),
        ("ws:h", "has no host"),
        ("ws:/h", "has no host"),
        ("ws://:80/", "has no host"),
        ("ws://me@/", "has no host"),
        ("ws://h/#top", "has a fragment"),
        ("ws://h#", "has a fragment"),
        ("ws://h:0/", "nobody listens on port 0"),
        ("ws://h:65536/", "[Pp]ort"),
        ("ws://h:99999/", "[Pp]ort"),
        ("ws://h:-1/", "[Pp]ort"),
        ("ws://h:http/", "[Pp]ort"),
        ("ws://h:\uff18\uff10/", "[Pp]ort"),
        ("ws://a:80:80/", "[Pp]ort"),
        ("ws://[::1/", "IPv6"),
        ("ws://[::1]x/", "IPv6|host cannot be read"),
        ("ws://[v1.x]/", "host cannot be read"),
        ("ws://[v1.x:y]/", "cannot be a host name"),
        ("ws://[zz::1]/", "'zz::1'"),
        ("ws://ex<am>ple/", "'ex<am>ple' cannot be a host name"),
        ("ws://good.example\\.evil.example/", "cannot be a host name"),
        ("ws://ex%41mple/", "cannot be a host name"),
        (f"ws://{LONG_LABEL}.example/", "cannot be a host name"),
        ("ws://\u2100/", "NFKC"),
    ],
)
def test_what_is_no_address_is_refused_with_what_is_wrong(uri: str, problem: str) -> None:
    with pytest.raises(InvalidURI, match=problem):
        parse_uri(uri)


@pytest.mark.parametrize("character", [" ", "\t", "\r", "\n", "\0", "\x7f", "\ud800"])
@pytest.mark.parametrize(
    "place", ["{}ws://h/", "ws://h{}/", "ws://h/{}", "ws://h/?{}", "ws://{}@h"]
)
def test_white_space_and_control_characters_are_refused_anywhere(
    character: str, place: str
) -> None:
    with pytest.raises(InvalidURI, match="white space or a control character"):
        parse_uri(place.format(character))
