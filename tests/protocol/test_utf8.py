"""UTF-8 as it arrives: refused where the table of RFC 3629 says, and as early (RFC 6455 §8.1)."""

import tracemalloc
from collections.abc import Iterator
from itertools import product

import pytest

from trunkline.errors import InvalidPayload
from trunkline.protocol.utf8 import Utf8Validator

Range = tuple[int, int]
TAIL: Range = (0x80, 0xBF)
# RFC 3629 §4: what may follow each first octet
SEQUENCES: list[tuple[Range, list[Range]]] = [
    ((0x00, 0x7F), []),
    ((0xC2, 0xDF), [TAIL]),
    ((0xE0, 0xE0), [(0xA0, 0xBF), TAIL]),
    ((0xE1, 0xEC), [TAIL, TAIL]),
    ((0xED, 0xED), [(0x80, 0x9F), TAIL]),
    ((0xEE, 0xEF), [TAIL, TAIL]),
    ((0xF0, 0xF0), [(0x90, 0xBF), TAIL, TAIL]),
    ((0xF1, 0xF3), [TAIL, TAIL, TAIL]),
    ((0xF4, 0xF4), [(0x80, 0x8F), TAIL, TAIL]),
]
FOLLOWING = {
    first: following for (low, high), following in SEQUENCES for first in range(low, high + 1)
}


def beginnings(octets: int) -> Iterator[tuple[bytes, list[Range]]]:
    """Give every unfinished code point of that many octets, and what may follow it."""
    if octets == 0:
        yield b"", []
        return
    for first, following in FOLLOWING.items():
        for rest in product(*(range(low, high + 1) for low, high in following[: octets - 1])):
            if octets <= len(following):
                yield bytes([first, *rest]), following[octets - 1 :]


def may_follow(expected: list[Range], octet: int) -> bool:
    """Whether the table allows `octet` here."""
    if not expected:
        return octet in FOLLOWING
    low, high = expected[0]
    return low <= octet <= high


def refuses(start: bytes, octet: int) -> bool:
    """Whether the validator fails at `octet` after `start`, which must pass."""
    validator = Utf8Validator()
    validator.feed(start)
    return fails(validator, bytes([octet]))


def fails(validator: Utf8Validator, part: bytes) -> bool:
    """Whether the validator refuses `part`."""
    try:
        validator.feed(part)
    except InvalidPayload:
        return True
    return False


# Every sequence of up to three octets: where the first ones cannot be right, the last one is
# judged in a shorter sequence already.
@pytest.mark.parametrize("octets", range(3))
def test_each_sequence_is_judged_as_the_table_says(octets: int) -> None:
    wrong = [
        (start, octet)
        for start, expected in beginnings(octets)
        for octet in range(256)
        if fails(Utf8Validator(), start + bytes([octet])) == may_follow(expected, octet)
    ]
    assert wrong == []


@pytest.mark.parametrize("octets", range(2))
def test_each_octet_is_judged_as_soon_as_it_comes(octets: int) -> None:
    wrong = [
        (start, octet)
        for start, expected in beginnings(octets)
        for octet in range(256)
        if refuses(start, octet) == may_follow(expected, octet)
    ]
    assert wrong == []


def test_the_fourth_octet_is_judged_as_the_table_says() -> None:
    edges = [0x7F, 0x80, 0xBF, 0xC0]
    wrong = [
        (start, octet)
        for start, expected in beginnings(3)
        for octet in edges
        if fails(Utf8Validator(), start + bytes([octet])) == may_follow(expected, octet)
    ]
    assert wrong == []


# The first and the last code point of each length, and one between
@pytest.mark.parametrize(
    "whole",
    [
        *("\0", "a", "\x7f"),
        *("\x80", "é", "\u07ff"),
        *("\u0800", "\ud7ff", "\ue000", "\uffff"),
        *("\U00010000", "😀", "\U0010ffff"),
    ],
)
def test_after_a_whole_code_point_the_next_is_judged_afresh(whole: str) -> None:
    start = whole.encode()
    allowed = {octet for octet in range(256) if not refuses(start, octet)}
    assert allowed == set(FOLLOWING)


@pytest.mark.parametrize("octets", [1, 2, 3])
def test_a_text_that_ends_inside_a_code_point_is_refused_at_its_end(octets: int) -> None:
    for start, _ in beginnings(octets):
        validator = Utf8Validator()
        validator.feed(b"text" + start)
        with pytest.raises(InvalidPayload, match="ends inside a code point"):
            validator.finish()


def test_a_code_point_may_be_cut_anywhere() -> None:
    text = "κόσμε 😀 €".encode()
    for cut in range(len(text) + 1):
        validator = Utf8Validator()
        validator.feed(text[:cut])
        validator.feed(b"")
        validator.feed(text[cut:])
        validator.finish()


def test_a_validator_serves_one_text_after_another() -> None:
    validator = Utf8Validator()
    for _ in range(2):
        validator.feed(b"\xe2\x82")
        validator.feed(b"\xac")
        validator.finish()
    with pytest.raises(InvalidPayload, match="text is not valid UTF-8"):
        validator.feed(b"\x82")


def test_what_is_kept_is_an_unfinished_code_point_and_nothing_else() -> None:
    validator = Utf8Validator()
    tracemalloc.start()
    try:
        for _ in range(64):
            validator.feed(b"x" * 65_536 + b"\xf0\x9f\x98")
            validator.feed(b"\x80")
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 65_536
