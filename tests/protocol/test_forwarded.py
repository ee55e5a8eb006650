"""What proxies say: every form of Forwarded and of the headers before it, and what is neither."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.protocol.forwarded import Hop, parse_forwarded, parse_x_forwarded
from trunkline.protocol.headers import FIELD_VALUE, Headers


def forwarded(*lines: str) -> list[Hop]:
    return parse_forwarded(Headers([("Forwarded", line) for line in lines]))


def x_forwarded(**values: str) -> list[Hop]:
    return parse_x_forwarded(Headers({f"X-Forwarded-{name}": v for name, v in values.items()}))


# Forwarded


@pytest.mark.parametrize(
    ("node", "address", "port"),
    [
        ("192.0.2.43", "192.0.2.43", None),
        ('"192.0.2.43:47011"', "192.0.2.43", 47011),
        ('"[2001:db8:cafe::17]"', "2001:db8:cafe::17", None),
        ('"[2001:DB8:cafe::17]:4711"', "2001:db8:cafe::17", 4711),
        ('"[::ffff:192.0.2.43]"', "192.0.2.43", None),
        ("unknown", "unknown", None),
        ("Unknown", "unknown", None),
        ('"unknown:0"', "unknown", 0),
        ("_gazonk", "_gazonk", None),
        ("_Sea.v-1_", "_Sea.v-1_", None),
        ('"_gazonk:_port"', "_gazonk", None),
        ('"192.0.2.43:_obf"', "192.0.2.43", None),
        (r'"19\2.0.2.43\:65535"', "192.0.2.43", 65535),
    ],
)
def test_a_node_is_an_address_or_a_name_and_perhaps_a_port(
    node: str, address: str, port: int | None
) -> None:
    assert forwarded(f"for={node}") == [Hop(address, port)]


def test_an_element_tells_scheme_and_host_too() -> None:
    line = 'for=192.0.2.60;proto=HTTPS;host="example.com:8443";by=203.0.113.43;x=","'
    assert forwarded(line) == [Hop("192.0.2.60", None, "https", "example.com:8443")]


@pytest.mark.parametrize(
    "lines",
    [
        ["for=192.0.2.1, for=192.0.2.2;proto=http", "for=192.0.2.3"],
        ["For=192.0.2.1 ,FOR=192.0.2.2 ; Proto=http,, ", "", " for=192.0.2.3;"],
        ["for=192.0.2.1", ",;for=192.0.2.2;;proto=http;,", "for=192.0.2.3;,\t;"],
    ],
)
def test_elements_come_the_nearest_proxy_first(lines: list[str]) -> None:
    nearest = [Hop("192.0.2.3"), Hop("192.0.2.2", scheme="http"), Hop("192.0.2.1")]
    assert forwarded(*lines) == nearest


def test_marks_within_quotes_part_nothing() -> None:
    assert forwarded(r'x="for=1.2.3.4, \";for=a";for=192.0.2.1') == [Hop("192.0.2.1")]


@pytest.mark.parametrize("line", ["", ",", ";", " ;, "])
def test_a_line_may_say_nothing(line: str) -> None:
    assert forwarded(line) == []


def test_whence_a_request_came_may_be_left_out() -> None:
    assert forwarded("proto=https") == [Hop(None, None, "https")]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("for", "'for' is not a parameter and its value"),
        ("for=", "'for=' is not a parameter and its value"),
        ("=192.0.2.1", "'=192.0.2.1' is not a parameter and its value"),
        ("for =192.0.2.1", "'for =192.0.2.1' is not a parameter and its value"),
        ("for=192.0.2.1:80", "'for=192.0.2.1:80' is not a parameter and its value"),
        ("for=[::1]", "'for=[::1]' is not a parameter and its value"),
        ('for="192.0.2.1', "is not a parameter and its value"),
        ('for="192.0.2.1\\"', "is not a parameter and its value"),
        ('for="192.0.2.1"x', "is not a parameter and its value"),
        ("for=a b", "'for=a b' is not a parameter and its value"),
        ("for=192.0.2.1;for=192.0.2.2", "'for' is there twice in one element"),
        ("proto=http;PROTO=https", "'proto' is there twice in one element"),
        ("for=192.0.2", "'192.0.2' does not appear to be an IPv4 or IPv6 address"),
        ("for=192.0.2.01", "'192.0.2.01' does not appear to be an IPv4 or IPv6 address"),
        ('for="[192.0.2.1]"', "'[192.0.2.1]' is not the address of a client"),
        ('for="::1"', "'::1' is not the address of a client"),
        ('for="[::1%1]"', "'[::1%1]' is not the address of a client"),
        ('for=""', "'' is not the address of a client"),
        ("for=localhost", "'localhost' is not the address of a client"),
        ("for=_", "'_' is not the address of a client"),
        ('for="192.0.2.1:"', "'192.0.2.1:' is not the address of a client"),
        ('for="192.0.2.1:65536"', "'65536' is not a port, 0 to 65,535"),
        ("proto=1", "'1' is not a scheme"),
        ('proto=""', "'' is not a scheme"),
        ('host="a b"', "'a b' is not a host"),
        ('host=""', "'' is not a host"),
        (f"for={'x' * 99}", f"'{'x' * 60}…' is not the address of a client"),
    ],
)
def test_what_breaks_the_grammar_is_refused(line: str, words: str) -> None:
    with pytest.raises(ValueError) as caught:
        forwarded(line)
    assert words in str(caught.value)


@pytest.mark.parametrize("first", ['for="', 'for="x', r'for="\\', r'x="\"'])
@pytest.mark.parametrize("second", ["for=192.0.2.1", 'for="[::1]"', '";for=192.0.2.1'])
def test_quotes_of_a_client_cannot_swallow_the_words_of_a_proxy(first: str, second: str) -> None:
    with pytest.raises(ValueError, match="is not a parameter and its value"):
        forwarded(first, second)
    if not second.startswith('"'):
        with pytest.raises(ValueError, match="is not a parameter and its value"):
            forwarded(f"{first}, {second}")


# X-Forwarded


@pytest.mark.parametrize(
    ("text", "address", "port"),
    [
        ("192.0.2.1", "192.0.2.1", None),
        ("192.0.2.1:5000", "192.0.2.1", 5000),
        ("2001:db8::1", "2001:db8::1", None),
        ("::ffff:192.0.2.1", "192.0.2.1", None),
        ("[2001:db8::1]", "2001:db8::1", None),
        ("[2001:db8::1]:5000", "2001:db8::1", 5000),
        ("unknown", "unknown", None),
    ],
)
def test_an_address_is_written_as_proxies_write_it(
    text: str, address: str, port: int | None
) -> None:
    assert x_forwarded(For=text) == [Hop(address, port)]


def test_addresses_of_several_lines_come_the_nearest_first() -> None:
    headers = Headers([("X-Forwarded-For", "192.0.2.1, 192.0.2.2"), ("x-forwarded-for", "::1,")])
    assert parse_x_forwarded(headers) == [Hop("::1"), Hop("192.0.2.2"), Hop("192.0.2.1")]


def test_each_header_counts_from_its_end() -> None:
    hops = x_forwarded(For="192.0.2.1, 192.0.2.2", Proto="https", Host="a, b:81", Port="1, 2, 443")
    assert hops == [
        Hop("192.0.2.2", None, "https", "b:81"),
        Hop("192.0.2.1", None, None, "a:2"),
        Hop(None, None, None, None),
    ]


@pytest.mark.parametrize(
    ("host", "port", "whole"),
    [
        ("example.com", "8443", "example.com:8443"),
        ("example.com", "443", "example.com"),
        ("example.com", "80", "example.com"),
        ("example.com:1", "8443", "example.com:1"),
        ("[::1]", "8443", "[::1]:8443"),
    ],
)
def test_a_port_completes_a_host_that_has_none(host: str, port: str, whole: str) -> None:
    assert x_forwarded(Host=host, Port=port) == [Hop(host=whole)]


def test_nothing_is_said_where_there_is_no_header() -> None:
    assert x_forwarded() == []
    assert x_forwarded(For="", Proto=" , ") == []


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("For", "localhost", "'localhost' is not the address of a client"),
        ("For", "192.0.2.1, x", "'x' is not the address of a client"),
        ("For", "192.0.2.1:99999", "'99999' is not a port"),
        ("For", "::1::", "does not appear to be an IPv4 or IPv6 address"),
        ("For", "fe80::1%eth0", "is an address with a zone"),
        ("For", "[::1", "'[::1' is not the address of a client"),
        ("Proto", "https://", "'https://' is not a scheme"),
        ("Host", "a/b", "'a/b' is not a host"),
        ("Port", "65536", "'65536' is not a port, 0 to 65,535"),
        ("Port", "\xb2", "'²' is not a port, 0 to 65,535"),
        ("Port", "-1", "'-1' is not a port"),
        ("Port", "0" * 5000, f"'{'0' * 60}…' is not a port"),
    ],
)
def test_what_is_not_what_belongs_there_is_refused(name: str, text: str, words: str) -> None:
    with pytest.raises(ValueError) as caught:
        x_forwarded(**{name: text})
    assert words in str(caught.value)


# Any values


values = st.from_regex(FIELD_VALUE, fullmatch=True) | st.lists(
    st.sampled_from(["for=", "1.2.3.4", '"', "[::1]", ",", ";", "\\", " ", "_x", ":80", "proto=a"])
).map("".join)


@given(st.lists(values, max_size=3))
def test_any_value_is_read_or_refused(lines: list[str]) -> None:
    for name, parse in (("Forwarded", parse_forwarded), ("X-Forwarded-For", parse_x_forwarded)):
        try:
            hops = parse(Headers([(name, line) for line in lines]))
        except ValueError:
            continue
        assert all(isinstance(hop, Hop) for hop in hops)


@given(values)
def test_what_a_proxy_adds_is_the_nearest_whatever_its_client_has_sent(sent: str) -> None:
    for name, added, parse in (
        ("Forwarded", 'for="[2001:db8::1]"', parse_forwarded),
        ("Forwarded", "for=192.0.2.1", parse_forwarded),
        ("X-Forwarded-For", "192.0.2.1", parse_x_forwarded),
    ):
        try:
            hops = parse(Headers([(name, f"{sent}, {added}")]))
        except ValueError:
            continue
        assert hops[0] in (Hop("2001:db8::1"), Hop("192.0.2.1"))
