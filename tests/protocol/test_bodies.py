"""Bodies of refusals: by length, in chunks, to the end of the stream; never over the limit."""

import pytest

from trunkline.protocol.bodies import BodyReader
from trunkline.protocol.headers import Headers


def read_body(headers: Headers, data: bytes, size: int, max_size: int = 100) -> tuple[bytes, bool]:
    """Give the body in reads of `size` bytes, and whether its end was seen."""
    reader = BodyReader(headers, max_size)
    is_done = reader.feed(b"")
    for start in range(0, len(data), size):
        if is_done:
            break
        is_done = reader.feed(data[start : start + size])
    return reader.body(), is_done


CHUNKED = Headers({"Transfer-Encoding": "chunked"})
SIZES = [1, 2, 3, 7, 1000]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("lengths", "body", "is_done"),
    [
        (["5"], b"Hello", True),
        (["005"], b"Hello", True),
        (["0"], b"", True),
        (["9"], b"Hello and", True),
        (["50"], b"Hello and more", False),
        ([], b"Hello and more", False),
        (["+5"], b"Hello and more", False),
        (["five"], b"Hello and more", False),
        (["5", "5"], b"Hello and more", False),
        (["9" * 30], b"Hello and more", False),
    ],
)
def test_a_body_ends_at_its_length_and_without_one_with_the_stream(
    lengths: list[str], body: bytes, is_done: bool, size: int
) -> None:
    headers = Headers([("Content-Length", length) for length in lengths])
    assert read_body(headers, b"Hello and more", size) == (body, is_done)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("headers", [Headers(), Headers({"Content-Length": "1000"}), CHUNKED])
def test_no_more_of_a_body_is_wanted_than_the_limit(headers: Headers, size: int) -> None:
    data = (b"fff\r\n" if headers is CHUNKED else b"") + b"x" * 200
    body, is_done = read_body(headers, data, size)
    assert (body, is_done) == (b"x" * (95 if headers is CHUNKED else 100), True)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("data", "body", "is_done"),
    [
        (b"5\r\nHello\r\n0\r\n\r\n", b"Hello", True),
        (b"5\r\nHello\r\n1\r\n!\r\n0\r\nX: y\r\n\r\n", b"Hello!", True),
        (b"5;a=b\r\nHello\r\n000 ;c\r\n\r\n", b"Hello", True),
        (b"A\r\n0123456789\r\n0\r\n", b"0123456789", True),
        (b"5\r\n0\r\n\r\n\r\n3\r\nend\r\n0\r\n\r\n", b"0\r\n\r\nend", True),
        (b"5\r\nHel", b"Hel", False),
        (b"5\r\nHello\r\n", b"Hello", False),
        (b"5", b"", False),
        (b"five\r\nHello", b"", True),
        (b"-5\r\nHello", b"", True),
        (b"5\r\nHello\r\nx\r\n", b"Hello", True),
        (b"1" * 16 + b"\r\nHello", b"", True),
    ],
)
def test_chunks_are_joined_in_any_cuts(data: bytes, body: bytes, is_done: bool, size: int) -> None:
    assert read_body(CHUNKED, data, size) == (body, is_done)


@pytest.mark.parametrize("size", SIZES)
def test_a_chunk_size_without_an_end_ends_the_body(size: int) -> None:
    assert read_body(CHUNKED, b"5;" + b"a" * 254, size, max_size=1000) == (b"", True)
    assert read_body(CHUNKED, b"5;" + b"a" * 253, size, max_size=1000) == (b"", False)


@pytest.mark.parametrize(
    ("codings", "body"),
    [
        ("gzip, chunked", b"Hello"),
        ("Chunked", b"Hello"),
        ("chunked, gzip", b"5\r\nHello\r\n0\r\n\r\n"),
        ("xchunked", b"5\r\nHello\r\n0\r\n\r\n"),
    ],
)
def test_a_body_is_in_chunks_when_that_is_its_last_coding(codings: str, body: bytes) -> None:
    headers = Headers({"Transfer-Encoding": codings, "Content-Length": "3"})
    assert read_body(headers, b"5\r\nHello\r\n0\r\n\r\n", 1000)[0] == body
