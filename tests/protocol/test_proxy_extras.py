"""TLVs of a PROXY header: what is looked into, every length, the checksum."""

import pytest

from trunkline.errors import InvalidMessage
from trunkline.protocol.proxy_extras import ProxyExtras, crc32c, parse_extras

START = 16
SECURE = b"\x01\0\0\0\0"


def tlv(kind: int, value: bytes) -> bytes:
    return bytes([kind]) + len(value).to_bytes(2) + value


def parse(data: bytes) -> ProxyExtras:
    return parse_extras(bytes(START) + data, START)


def test_a_header_may_end_behind_its_addresses() -> None:
    assert parse(b"") == ProxyExtras(is_tls=None, authority=None, alpn=None)


@pytest.mark.parametrize(
    ("value", "is_tls"),
    [
        (SECURE, True),
        (b"\x07\0\0\0\0", True),
        (b"\x00\0\0\0\0", False),
        (b"\x06\0\0\0\1", False),
        (SECURE + tlv(0x21, b"TLSv1.3") + tlv(0x22, b""), True),
    ],
)
def test_the_proxy_says_whether_the_client_spoke_tls(value: bytes, is_tls: bool) -> None:
    assert parse(tlv(0x20, value)) == ProxyExtras(is_tls=is_tls)


def test_the_host_is_utf_8_of_at_most_255_bytes() -> None:
    assert parse(tlv(0x02, "bücher.example".encode())).authority == "bücher.example"
    assert parse(tlv(0x02, b"h" * 255)).authority == "h" * 255


def test_a_protocol_may_be_any_bytes() -> None:
    assert parse(tlv(0x01, b"\xff")).alpn == b"\xff"


def test_what_is_for_others_may_be_there_twice_and_is_skipped() -> None:
    assert parse(tlv(0x04, b"") + tlv(0x04, b"xx") + tlv(0xEA, b"")) == ProxyExtras()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x04", "a TLV of the PROXY header has 1 bytes, not 3 or more"),
        (b"\x04\x00", "a TLV of the PROXY header has 2 bytes, not 3 or more"),
        (tlv(0x04, b"x") + b"\0", "a TLV of the PROXY header has 1 bytes, not 3 or more"),
        (tlv(0x04, b"xy")[:-1], "TLV 0x04 of the PROXY header says 2 bytes, 1 are left"),
        (b"\xea\xff\xff", "TLV 0xea of the PROXY header says 65,535 bytes, 0 are left"),
        (tlv(0x20, SECURE[:-1]), "SSL of the PROXY header is 4 bytes, not 5 or more"),
        (tlv(0x20, SECURE + b"\x21"), "a TLV of the PROXY header has 1 bytes, not 3 or more"),
        (
            tlv(0x20, SECURE + b"\x21\0\1") + tlv(4, b"x"),
            "TLV 0x21 of the PROXY header says 1 bytes, 0 are left",
        ),
        (tlv(0x02, b"h" * 256), "AUTHORITY of the PROXY header is 256 bytes, limit 255"),
        (tlv(0x02, b"\xff"), "AUTHORITY of the PROXY header is not UTF-8"),
        (tlv(0x01, b"") * 2, "PROXY header has ALPN twice"),
        (tlv(0x20, SECURE) * 2, "PROXY header has SSL twice"),
        (tlv(0x03, bytes(3)), "CRC32C of the PROXY header is 3 bytes, not 4"),
    ],
)
def test_what_cannot_be_read_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        parse(data)
    assert str(caught.value) == words


@pytest.mark.parametrize(
    ("data", "checksum"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
    ],
)
def test_the_checksum_is_that_of_the_published_examples(data: bytes, checksum: int) -> None:
    assert crc32c(data) == checksum


@pytest.mark.parametrize("behind", [b"", tlv(0x04, b"padding")])
def test_the_checksum_is_of_the_whole_header_without_itself(behind: bytes) -> None:
    blank = bytes(range(START)) + tlv(0x03, bytes(4)) + behind
    right = blank[: START + 3] + crc32c(blank).to_bytes(4) + behind
    assert parse_extras(right, START) == ProxyExtras()
    for place in range(START):
        wrong = right[:place] + bytes([right[place] ^ 0x80]) + right[place + 1 :]
        with pytest.raises(InvalidMessage, match="CRC32C of the PROXY header is 0x"):
            parse_extras(wrong, START)
