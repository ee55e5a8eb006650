"""The PROXY protocol: both versions, strictly; any bytes in any cuts."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.errors import InvalidMessage
from trunkline.limits import MAX_PROXY_HEADER
from trunkline.protocol.proxy_extras import ProxyExtras, crc32c
from trunkline.protocol.proxy_protocol import SIGNATURE, ProxyHeader, ProxyReader

Outcome = tuple[ProxyHeader, bytes] | str | None

IPV4 = bytes([192, 0, 2, 1, 198, 51, 100, 2]) + b"\x01\x00\x01\xbb"
IPV6 = bytes.fromhex("20010db800000000000000000000000120010db8000000000000000000000002")
IPV6 += b"\x00\x50\xff\xff"
MAPPED = (bytes(10) + b"\xff\xff\xc0\x00\x02\x01") * 2 + b"\x00\x50\xff\xff"


def block(family: int, rest: bytes, command: int = 0x21) -> bytes:
    """Give a header of version 2."""
    return SIGNATURE + bytes([command, family]) + len(rest).to_bytes(2) + rest


def tlv(kind: int, value: bytes) -> bytes:
    return bytes([kind]) + len(value).to_bytes(2) + value


def read(*pieces: bytes, max_size: int = MAX_PROXY_HEADER) -> Outcome:
    """Give header and rest, or the words of the error, or `None` for not enough."""
    reader = ProxyReader(max_size)
    for number, piece in enumerate(pieces):
        try:
            whole = reader.feed(piece)
        except InvalidMessage as error:
            return str(error)
        if whole is not None:
            header, rest = whole
            return header, rest + b"".join(pieces[number + 1 :])
    return None


def problem(data: bytes, max_size: int = MAX_PROXY_HEADER) -> str:
    """Give the words of the error, the same at once and byte by byte."""
    words = read(data, max_size=max_size)
    assert isinstance(words, str)
    assert read(*(bytes([byte]) for byte in data), max_size=max_size) == words
    return words


def header_of(data: bytes) -> ProxyHeader:
    """Give a header, the same at once and byte by byte, and the rest behind it."""
    whole = read(data + b"GET /")
    assert isinstance(whole, tuple)
    assert read(*(bytes([byte]) for byte in data + b"GET /")) == whole
    header, rest = whole
    assert rest == b"GET /"
    return header


# Version 1


def test_a_line_tells_source_and_destination() -> None:
    header = header_of(b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n")
    assert header == ProxyHeader(("192.0.2.1", 56324), ("198.51.100.2", 443))
    assert header.is_tls is None


@pytest.mark.parametrize(
    ("line", "source"),
    [
        ("TCP4 0.0.0.0 255.255.255.255 0 65535", ("0.0.0.0", 0)),
        ("TCP6 2001:DB8::1 ::1 65535 1", ("2001:db8::1", 65535)),
        ("TCP6 ::ffff:192.0.2.1 ::1 1 1", ("192.0.2.1", 1)),
        (f"TCP6 {'ffff:' * 7}ffff {'ffff:' * 7}ffff 65535 65535", (f"{'ffff:' * 7}ffff", 65535)),
    ],
)
def test_a_line_has_addresses_of_either_kind(line: str, source: tuple[str, int]) -> None:
    assert header_of(f"PROXY {line}\r\n".encode()).source == source


@pytest.mark.parametrize(
    "line", ["UNKNOWN", "UNKNOWN ", f"UNKNOWN {'x' * 91}", "UNKNOWN \r \xff 1.2.3"]
)
def test_of_an_unknown_client_the_rest_is_ignored(line: str) -> None:
    assert header_of(f"PROXY {line}\r\n".encode("latin-1")) == ProxyHeader()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("UDP4 1.2.3.4 1.2.3.4 1 1", "PROXY line is for 'UDP4', not TCP4, TCP6 or UNKNOWN"),
        ("unknown", "PROXY line is for 'unknown', not"),
        ("UNKNOWN\t", "PROXY line is for 'UNKNOWN\\t', not"),
        (" TCP4 1.2.3.4 1.2.3.4 1 1", "PROXY line is for '', not"),
        ("", "PROXY line is for '', not"),
        ("TCP4", "PROXY line has 0 fields behind TCP4, not 4"),
        ("TCP4 1.2.3.4 1.2.3.4 1", "PROXY line has 3 fields behind TCP4, not 4"),
        ("TCP4 1.2.3.4 1.2.3.4 1 1 1", "PROXY line has 5 fields behind TCP4, not 4"),
        ("TCP4  1.2.3.4 1.2.3.4 1 1", "PROXY line has 5 fields behind TCP4, not 4"),
        ("TCP4 1.2.3.4 1.2.3.4 1 1 ", "PROXY line has 5 fields behind TCP4, not 4"),
        ("TCP4 ::1 1.2.3.4 1 1", "'::1' in the PROXY line is not an address of IPv4"),
        ("TCP4 1.2.3.04 1.2.3.4 1 1", "'1.2.3.04' in the PROXY line is not an address of IPv4"),
        ("TCP4 1.2.3.4 1.2.3 1 1", "'1.2.3' in the PROXY line is not an address of IPv4"),
        ("TCP4 1.2.3.4 1.2.3.256 1 1", "'1.2.3.256' in the PROXY line is not an address of IPv4"),
        ("TCP6 1.2.3.4 ::1 1 1", "'1.2.3.4' in the PROXY line is not an address of IPv6"),
        ("TCP6 ::1%1 ::1 1 1", "'::1%1' in the PROXY line is not an address of IPv6"),
        ("TCP6 [::1] ::1 1 1", "'[::1]' in the PROXY line is not an address of IPv6"),
        ("TCP4 1.2.3.4 1.2.3.4 01 1", "'01' in the PROXY line is not a port, 0 to 65,535"),
        ("TCP4 1.2.3.4 1.2.3.4 1 65536", "'65536' in the PROXY line is not a port, 0 to 65,535"),
        ("TCP4 1.2.3.4 1.2.3.4 +1 1", "'+1' in the PROXY line is not a port, 0 to 65,535"),
        ("TCP4 1.2.3.4 1.2.3.4 1 \xb2", "'²' in the PROXY line is not a port, 0 to 65,535"),
        ("TCP4 1.2.3.4 1.2.3.4 1 1\r", "'1\\r' in the PROXY line is not a port, 0 to 65,535"),
    ],
)
def test_a_line_that_is_not_exactly_like_this_is_refused(line: str, words: str) -> None:
    assert problem(f"PROXY {line}\r\n".encode("latin-1")).startswith(words)


@pytest.mark.parametrize("line", [b"PROXY UNKNOWN\n", b"PROXY TCP4 1.2.3.4 1.2.3.4 1 1\n\r\n"])
def test_a_lone_line_feed_ends_no_line(line: bytes) -> None:
    assert problem(line) == "the PROXY line ends without a carriage return"


def test_a_line_has_at_most_107_bytes() -> None:
    longest = b"PROXY UNKNOWN " + b"x" * 91
    assert header_of(longest + b"\r\n") == ProxyHeader()
    assert read(longest) is None
    assert problem(longest + b"x\r\n") == "PROXY line is over 107 bytes, limit 107"
    assert problem(longest + b"\r" * 3) == "PROXY line is over 107 bytes, limit 107"


@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.1\r\n", b"\x16\x03\x01", b"PROXYTCP4", b"POST /", b"\n", b"\r\n\r\nQ"]
)
def test_what_does_not_begin_like_a_header_is_refused_at_its_first_byte(data: bytes) -> None:
    assert problem(data) == "the PROXY header is missing; the proxy has to send one"


def test_nothing_is_known_before_the_end() -> None:
    assert read() is None
    assert read(b"") is None
    assert read(b"PROXY TCP4 1.2.3.4 1.2.3.4 1 1\r") is None
    for size in range(len(block(0x11, IPV4))):
        assert read(block(0x11, IPV4)[:size]) is None


# Version 2


@pytest.mark.parametrize(
    ("family", "addresses", "source", "destination"),
    [
        (0x11, IPV4, ("192.0.2.1", 256), ("198.51.100.2", 443)),
        (0x12, IPV4, ("192.0.2.1", 256), ("198.51.100.2", 443)),
        (0x21, IPV6, ("2001:db8::1", 80), ("2001:db8::2", 65535)),
        (0x22, IPV6, ("2001:db8::1", 80), ("2001:db8::2", 65535)),
        (0x21, MAPPED, ("192.0.2.1", 80), ("192.0.2.1", 65535)),
    ],
)
def test_a_block_tells_source_and_destination(
    family: int, addresses: bytes, source: tuple[str, int], destination: tuple[str, int]
) -> None:
    assert header_of(block(family, addresses)) == ProxyHeader(source, destination)


@pytest.mark.parametrize("family", [0x31, 0x32])
def test_a_unix_socket_says_not_where_somebody_is(family: int) -> None:
    header = header_of(block(family, bytes(216) + tlv(0x20, b"\x01\0\0\0\0")))
    assert header == ProxyHeader(extras=ProxyExtras(is_tls=True))


@pytest.mark.parametrize("family", [0x00, 0x01, 0x10, 0x11, 0x20, 0x21, 0x30, 0xFF])
@pytest.mark.parametrize("rest", [b"", b"x", bytes(216) + b"\xff"])
def test_a_proxy_that_speaks_for_itself_has_no_client(family: int, rest: bytes) -> None:
    assert header_of(block(family, rest, command=0x20)) == ProxyHeader()


@pytest.mark.parametrize("family", [0x00, 0x01, 0x02])
def test_of_what_is_not_specified_the_rest_is_ignored(family: int) -> None:
    assert header_of(block(family, b"\x20\xff\xff")) == ProxyHeader()


def test_addresses_without_a_transport_are_ignored() -> None:
    assert header_of(block(0x10, IPV4)) == ProxyHeader()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (SIGNATURE + b"\x11", "PROXY header has version 1, not 2"),
        (SIGNATURE + b"\x31\x11", "PROXY header has version 3, not 2"),
        (SIGNATURE + b"\x22", "PROXY header has command 2, not 0 or 1"),
        (SIGNATURE + b"\x2f", "PROXY header has command 15, not 0 or 1"),
        (SIGNATURE + b"\x21\x41", "PROXY header has address family 4, not 0 to 3"),
        (SIGNATURE + b"\x21\x13", "PROXY header has transport 3, not 0 to 2"),
        (block(0x11, IPV4[:-1]), "PROXY header has 11 bytes for addresses, INET takes 12"),
        (block(0x21, IPV6[:-1]), "PROXY header has 35 bytes for addresses, INET6 takes 36"),
        (block(0x31, bytes(215)), "PROXY header has 215 bytes for addresses, UNIX takes 216"),
        (block(0x20, IPV6[:12]), "PROXY header has 12 bytes for addresses, INET6 takes 36"),
    ],
)
def test_a_block_that_cannot_be_read_is_refused_as_soon_as_that_is_seen(
    data: bytes, words: str
) -> None:
    assert problem(data) == words


@pytest.mark.parametrize("command", [0x20, 0x21])
def test_a_block_has_at_most_as_many_bytes_as_the_limit(command: int) -> None:
    data = block(0x11, IPV4 + tlv(0x04, bytes(20)), command)
    assert isinstance(read(data, max_size=len(data)), tuple)
    words = f"PROXY header is {len(data)} bytes, limit {len(data) - 1}"
    assert problem(data[:16], max_size=len(data) - 1) == words


def test_the_usual_limit_holds_without_a_word() -> None:
    largest = MAX_PROXY_HEADER - 16
    assert isinstance(read(block(0, bytes(largest))), tuple)
    assert problem(block(0, bytes(largest + 1))) == "PROXY header is 4,097 bytes, limit 4,096"


# What else a proxy tells


def test_tls_host_and_protocol_are_told() -> None:
    secure = tlv(0x20, b"\x01\0\0\0\0" + tlv(0x21, b"TLSv1.3"))
    extras = secure + tlv(0x02, b"example.com") + tlv(0x01, b"http/1.1") + tlv(0xEA, b"aws")
    header = header_of(block(0x11, IPV4 + extras))
    assert header.source == ("192.0.2.1", 256)
    assert header.extras == ProxyExtras(is_tls=True, authority="example.com", alpn=b"http/1.1")
    assert header.is_tls is True


def test_a_wrong_checksum_is_refused_and_the_right_one_is_not() -> None:
    blank = block(0x11, IPV4 + tlv(0x03, bytes(4)))
    assert header_of(blank[:-4] + crc32c(blank).to_bytes(4)).source == ("192.0.2.1", 256)
    assert (
        problem(blank) == f"CRC32C of the PROXY header is {crc32c(blank):#010x}, it says 0x00000000"
    )


# Any bytes, any cuts


addresses4 = st.binary(min_size=12, max_size=12)
addresses6 = st.binary(min_size=36, max_size=36)
extras = st.lists(
    st.builds(tlv, st.sampled_from([1, 2, 3, 4, 0x20, 0xE0]), st.binary(max_size=9)), max_size=3
).map(b"".join)
blocks = st.builds(
    block,
    st.integers(0, 255) | st.sampled_from([0x11, 0x21, 0x31]),
    st.builds(bytes.__add__, addresses4 | addresses6 | st.just(bytes(216)), extras),
    st.integers(0, 255) | st.sampled_from([0x20, 0x21]),
)
words = st.sampled_from(
    ["TCP4", "TCP6", "UNKNOWN", "1.2.3.4", "::1", "0", "80", "65535", "65536", "\r", "\n", ""]
)
lines = st.lists(words).map(lambda fields: f"PROXY {' '.join(fields)}\r\n".encode())
mutations: list[Callable[[bytes, int], bytes]] = [
    lambda data, at: data[:at],
    lambda data, at: data[:at] + b"\n" + data[at:],
    lambda data, at: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :] if data[at:] else data,
]


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    data = draw(blocks | lines | st.binary(max_size=40)) + draw(st.binary(max_size=8))
    mutate = draw(st.sampled_from([None, *mutations]))
    return data if mutate is None else mutate(data, draw(st.integers(0, len(data))))


@given(streams(), st.lists(st.integers(0, 250), max_size=6))
def test_the_same_bytes_in_any_cuts_give_the_same(stream: bytes, places: list[int]) -> None:
    edges = [0, *sorted(min(place, len(stream)) for place in places), len(stream)]
    pieces = [stream[start:end] for start, end in pairwise(edges)]
    assert read(*pieces) == read(stream)
