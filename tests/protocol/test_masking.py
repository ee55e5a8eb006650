"""Masking (RFC 6455 §5.3)."""

import pytest

from trunkline.protocol.masking import apply_mask

KEY = bytes.fromhex("37fa213d")


def masked_by_the_book(data: bytes, key: bytes, offset: int = 0) -> bytes:
    """Transform octet i with octet i modulo 4 of the key, as §5.3 words it."""
    return bytes(octet ^ key[(offset + i) % 4] for i, octet in enumerate(data))


def test_the_example_of_the_rfc_is_masked_as_printed() -> None:
    assert apply_mask(b"Hello", KEY) == bytes.fromhex("7f9f4d5158")


@pytest.mark.parametrize("size", [*range(34), 125, 126, 4096, 65537])
def test_every_octet_meets_its_octet_of_the_key(size: int) -> None:
    data = bytes(i % 251 for i in range(size))
    assert apply_mask(data, KEY) == masked_by_the_book(data, KEY)


@pytest.mark.parametrize("size", range(10))
def test_masking_twice_gives_the_data_back(size: int) -> None:
    data = bytes(range(size))
    assert apply_mask(apply_mask(data, KEY), KEY) == data


@pytest.mark.parametrize("cut", range(11))
def test_a_payload_is_masked_in_parts_as_in_one(cut: int) -> None:
    data = b"ten octets"
    parts = apply_mask(data[:cut], KEY) + apply_mask(data[cut:], KEY, offset=cut)
    assert parts == apply_mask(data, KEY)


def test_leading_zeroes_stay() -> None:
    assert apply_mask(KEY + b"\x00", KEY) == b"\x00\x00\x00\x00" + KEY[:1]
