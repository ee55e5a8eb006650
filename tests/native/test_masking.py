"""Masking, compiled: every kernel at every edge, and keys that nobody can foresee.

What both twins promise is in tests/protocol/test_masking.py.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.contracts.twins import needs
from trunkline.native import MODULES

if "masking" in MODULES:
    from trunkline.native.masking import apply_mask, new_mask_key

pytestmark = needs("masking")

KEY = bytes.fromhex("37fa213d")


def masked_by_the_book(data: bytes, key: bytes, offset: int) -> bytes:
    """Transform octet i with octet i modulo 4 of the key, as RFC 6455 §5.3 words it."""
    return bytes(octet ^ key[(offset + i) % 4] for i, octet in enumerate(data))


@pytest.mark.parametrize("offset", [*range(9), 2**63])
def test_every_size_up_to_some_vectors_is_masked_by_the_book(offset: int) -> None:
    data = bytes(i * 7 % 256 for i in range(400))
    for size in range(len(data)):
        part = memoryview(data)[len(data) - size :]
        assert apply_mask(part, KEY, offset) == masked_by_the_book(part, KEY, offset)


def test_a_key_of_zeroes_copies() -> None:
    assert apply_mask(b"as it was" * 50, bytes(4)) == b"as it was" * 50


@pytest.mark.parametrize("size", [0, 3, 5])
def test_a_key_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"a mask key is 4 bytes, not {size}"):
        apply_mask(b"data", bytes(size))


# Keys


def test_keys_do_not_come_again() -> None:
    keys = [new_mask_key() for _ in range(5000)]
    assert {len(key) for key in keys} == {4}
    assert len(set(keys)) > 4990  # of 2^32, two of 5,000 are the same now and then


def test_every_byte_of_a_key_takes_every_value() -> None:
    keys = [new_mask_key() for _ in range(10_000)]
    for place in range(4):
        assert len({key[place] for key in keys}) == 256


def read_all(descriptor: int) -> bytes:
    """Read until the other end is closed."""
    with os.fdopen(descriptor, "rb") as pipe:
        return pipe.read()


def in_a_child(call: Callable[[], bytes]) -> bytes:
    """Give what `call` gives in a forked process."""
    reading, writing = os.pipe()
    if not (child := os.fork()):
        os.write(writing, call())
        os._exit(0)
    os.close(writing)
    result = read_all(reading)
    os.waitpid(child, 0)
    return result


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_the_halves_of_a_fork_have_keys_of_their_own() -> None:
    new_mask_key()
    theirs = in_a_child(lambda: b"".join(new_mask_key() for _ in range(50)))
    ours = {new_mask_key() for _ in range(50)}
    assert len(theirs) == 200
    assert not ours & {theirs[at : at + 4] for at in range(0, 200, 4)}
