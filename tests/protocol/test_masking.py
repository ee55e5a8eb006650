"""Masking (RFC 6455 §5.3); the contract of both twins."""

from collections.abc import Callable

import pytest

from tests.contracts.twins import twins

Mask = Callable[..., bytes]

KEY = bytes.fromhex("37fa213d")


@pytest.fixture(params=twins("masking", "apply_mask"))
def apply_mask(request: pytest.FixtureRequest) -> Mask:
    """Ask the contract of each twin in turn."""
    twin: Mask = request.param
    return twin


def masked_by_the_book(data: bytes, key: bytes, offset: int = 0) -> bytes:
    """Transform octet i with octet i modulo 4 of the key, as §5.3 words it."""
    return bytes(octet ^ key[(offset + i) % 4] for i, octet in enumerate(data))


def test_the_example_of_the_rfc_is_masked_as_printed(apply_mask: Mask) -> None:
    assert apply_mask(b"Hello", KEY) == bytes.fromhex("7f9f4d5158")


@pytest.mark.parametrize("size", [*range(34), 125, 126, 4096, 65537])
def test_every_octet_meets_its_octet_of_the_key(apply_mask: Mask, size: int) -> None:
    data = bytes(i % 251 for i in range(size))
    assert apply_mask(data, KEY) == masked_by_the_book(data, KEY)


@pytest.mark.parametrize("size", range(10))
def test_masking_twice_gives_the_data_back(apply_mask: Mask, size: int) -> None:
    data = bytes(range(size))
    assert apply_mask(apply_mask(data, KEY), KEY) == data


@pytest.mark.parametrize("cut", range(11))
def test_a_payload_is_masked_in_parts_as_in_one(apply_mask: Mask, cut: int) -> None:
    data = b"ten octets"
    parts = apply_mask(data[:cut], KEY) + apply_mask(data[cut:], KEY, offset=cut)
    assert parts == apply_mask(data, KEY)


def test_leading_zeroes_stay(apply_mask: Mask) -> None:
    assert apply_mask(KEY + b"\x00", KEY) == b"\x00\x00\x00\x00" + KEY[:1]
