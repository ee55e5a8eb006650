"""Which proxies are believed: what a client can send, and what only a proxy can."""

from typing import Any

import pytest

from trunkline import Headers, RequestRefused
from trunkline.server.trust import Client, ForwardingHeader, TrustedProxies

PROXY = "10.0.0.1"
CLIENT = "203.0.113.7"
EITHER: list[ForwardingHeader | None] = [None, "Forwarded", "X-Forwarded-For"]

proxies = TrustedProxies(["10.0.0.0/8", "127.0.0.1", "2001:db8::/32", "unix"])
by_forwarded = TrustedProxies(["10.0.0.0/8"], header="Forwarded")
by_x_forwarded = TrustedProxies(["10.0.0.0/8"], header="X-Forwarded-For")


def x_forwarded(value: str, **more: str) -> Headers:
    lines = {f"X-Forwarded-{name}": text for name, text in more.items()}
    return Headers({"X-Forwarded-For": value} | lines)


# Trust


@pytest.mark.parametrize(
    ("address", "is_trusted"),
    [
        ("10.255.0.1", True),
        ("11.0.0.1", False),
        ("127.0.0.1", True),
        ("127.0.0.2", False),
        ("::ffff:127.0.0.1", True),
        ("2001:db8:1::1", True),
        ("2001:db8::1%eth0", True),
        ("2001:db9::1", False),
        ("::1", False),
        ("", True),
        ("unix", True),
        ("unknown", False),
        ("_hidden", False),
        ("10.0.0.0/8", False),
    ],
)
def test_a_proxy_is_trusted_by_its_address(address: str, is_trusted: bool) -> None:
    assert proxies.is_trusted(address) is is_trusted


def test_nobody_is_trusted_without_a_word() -> None:
    nobody = TrustedProxies()
    assert not any(map(nobody.is_trusted, ["127.0.0.1", "::1", "", "unix"]))


@pytest.mark.parametrize(
    ("network", "words"),
    [
        ("localhost", "'localhost' is not a network of trusted proxies"),
        ("10.0.0.1/8", "has host bits set"),
        ("10.0.0.0/33", "'10.0.0.0/33' is not a network"),
        ("", "'' is not a network"),
        ("*", r"'\*' is not a network"),
        ("[::1]", "is not a network"),
        ("Unix", "'Unix' is not a network"),
        ("::ffff:10.0.0.0/104", "is a network of IPv4; write it like 10.0.0.0/8"),
    ],
)
def test_what_is_no_network_is_refused_at_once(network: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        TrustedProxies(["10.0.0.0/8", network])


def test_one_string_is_not_a_list() -> None:
    with pytest.raises(TypeError, match="trusted proxies are a list of networks, not one string"):
        TrustedProxies("10.0.0.0/8")


def test_another_header_is_refused() -> None:
    wrong: Any = "X-Real-IP"
    with pytest.raises(ValueError, match="header is 'Forwarded' or 'X-Forwarded-For', not 'X-Rea"):
        TrustedProxies(["10.0.0.0/8"], header=wrong)


# Clients


@pytest.mark.parametrize("header", EITHER)
@pytest.mark.parametrize("value", ["192.0.2.1", "garbage", "127.0.0.1"])
def test_whoever_is_not_trusted_is_not_listened_to(
    header: ForwardingHeader | None, value: str
) -> None:
    headers = x_forwarded(value, Proto="https", Host="a b")
    headers["Forwarded"] = f"for={value};x"
    trust = TrustedProxies(["10.0.0.0/8"], header=header)
    assert trust.client_of(CLIENT, headers) == Client(CLIENT)


@pytest.mark.parametrize(("peer", "address"), [("::ffff:192.0.2.1", "192.0.2.1"), ("", "unix")])
def test_a_peer_has_one_name(peer: str, address: str) -> None:
    assert TrustedProxies().client_of(peer, Headers()) == Client(address)


@pytest.mark.parametrize("header", EITHER)
def test_a_proxy_that_says_nothing_asks_for_itself(header: ForwardingHeader | None) -> None:
    trust = TrustedProxies(["10.0.0.0/8"], header=header)
    assert trust.client_of(PROXY, Headers({"Host": "h"})) == Client(PROXY)


@pytest.mark.parametrize(
    ("value", "address"),
    [
        (CLIENT, CLIENT),
        (f"192.0.2.66, {CLIENT}", CLIENT),
        (f"192.0.2.66, {CLIENT}, 10.0.0.2", CLIENT),
        (f"127.0.0.1, {CLIENT}, 2001:db8::5, 10.0.0.2", CLIENT),
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("192.0.2.66, unknown", "unknown"),
        ("192.0.2.66, _hidden, 10.0.0.2", "_hidden"),
        (f"::ffff:{CLIENT}", CLIENT),
        (f"{CLIENT}, ::ffff:10.0.0.2", CLIENT),
        ("", PROXY),
    ],
)
@pytest.mark.parametrize("peer", [PROXY, "", "::ffff:10.0.0.1"])
def test_the_client_is_the_first_that_is_no_proxy(peer: str, value: str, address: str) -> None:
    found = proxies.client_of(peer, x_forwarded(value))
    assert found == Client(address if value else "unix" if not peer else PROXY)


def test_the_port_of_a_client_is_told() -> None:
    assert proxies.client_of(PROXY, x_forwarded(f"{CLIENT}:4711")) == Client(CLIENT, 4711)
    headers = Headers({"Forwarded": f'for="{CLIENT}:4711"'})
    assert by_forwarded.client_of(PROXY, headers) == Client(CLIENT, 4711)


@pytest.mark.parametrize(
    ("scheme", "is_secure"),
    [("https", True), ("wss", True), ("http", False), ("ws", False), ("gopher", None)],
)
def test_scheme_and_host_are_those_of_the_chosen_header(
    scheme: str, is_secure: bool | None
) -> None:
    client = Client(CLIENT, None, is_secure, "example.com")
    headers = x_forwarded(CLIENT, Proto=scheme, Host="example.com")
    assert by_x_forwarded.client_of(PROXY, headers) == client
    assert by_forwarded.client_of(PROXY, headers) == Client(PROXY)
    headers = Headers({"Forwarded": f"for={CLIENT};proto={scheme};host=example.com"})
    assert by_forwarded.client_of(PROXY, headers) == client
    assert by_x_forwarded.client_of(PROXY, headers) == Client(PROXY)


def test_scheme_and_host_may_be_told_without_an_address() -> None:
    headers = Headers({"X-Forwarded-Proto": "https", "X-Forwarded-Host": "example.com"})
    client = Client(PROXY, None, True, "example.com")
    assert by_x_forwarded.client_of(PROXY, headers) == client
    assert by_forwarded.client_of(PROXY, Headers({"Forwarded": "proto=https, proto=http"})) == (
        Client(PROXY, None, False, None)
    )


def test_what_the_outermost_proxy_says_holds() -> None:
    line = f"for=192.0.2.66;host=evil, for={CLIENT};proto=https, for=10.0.0.2;proto=http;host=a"
    found = by_forwarded.client_of(PROXY, Headers({"Forwarded": line}))
    assert found == Client(CLIENT, None, True, "a")


# Forging


def test_without_a_choice_scheme_and_host_are_not_believed() -> None:
    headers = x_forwarded(CLIENT, Proto="https", Host="internal")
    assert proxies.client_of(PROXY, headers) == Client(CLIENT)
    headers["Forwarded"] = f"for={CLIENT};proto=https;host=internal"
    assert proxies.client_of(PROXY, headers) == Client(CLIENT)


@pytest.mark.parametrize(
    ("forwarded", "x_forwarded_for"),
    [
        ("for=192.0.2.66", CLIENT),
        (f"for={CLIENT}", "192.0.2.66"),
        (f"for={CLIENT}, for=10.0.0.2", "192.0.2.66, 10.0.0.2"),
        ("proto=https", CLIENT),
        (f"for={CLIENT}", ""),
    ],
)
def test_two_headers_that_name_different_clients_are_refused(
    forwarded: str, x_forwarded_for: str
) -> None:
    headers = Headers({"Forwarded": forwarded, "X-Forwarded-For": x_forwarded_for})
    with pytest.raises(RequestRefused) as caught:
        proxies.client_of(PROXY, headers)
    assert str(caught.value) == "400: Forwarded and X-Forwarded-For name different clients"


def test_with_a_choice_the_other_header_is_not_looked_at() -> None:
    headers = Headers({"Forwarded": f"for={CLIENT}", "X-Forwarded-For": "192.0.2.66"})
    assert by_forwarded.client_of(PROXY, headers) == Client(CLIENT)
    assert by_x_forwarded.client_of(PROXY, headers) == Client("192.0.2.66")
    headers["Forwarded"] = "garbage"
    assert by_x_forwarded.client_of(PROXY, headers) == Client("192.0.2.66")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("Forwarded", "garbage", "'garbage' is not a parameter and its value"),
        ("X-Forwarded-For", f"garbage, {CLIENT}", "'garbage' is not the address of a client"),
    ],
)
def test_what_a_proxy_says_that_cannot_be_read_is_refused(
    name: str, value: str, words: str
) -> None:
    with pytest.raises(RequestRefused) as caught:
        proxies.client_of(PROXY, Headers({name: value}))
    assert str(caught.value) == f"400: {name} of the proxy cannot be read: {words}"


@pytest.mark.parametrize(
    ("networks", "are_there"), [([], False), (["unix"], True), (["10.0.0.0/8"], True)]
)
def test_there_are_proxies_or_none(networks: list[str], are_there: bool) -> None:
    assert bool(TrustedProxies(networks)) is are_there
