"""Heads: read the same in any cuts, refused only as documented, and never over their limits."""

import re
from collections.abc import Callable, Iterable

from fuzz.choices import Choices
from trunkline.errors import InvalidMessage, RequestRefused
from trunkline.limits import Limits
from trunkline.protocol.http1 import HeadReader, parse_request, parse_response

RESPONSE_START = re.compile(rb"H")


def read_request(limits: Limits, pieces: Iterable[bytes]) -> object:
    """Give the request, and what was fed of the bytes behind it; or why there is none."""
    return read(HeadReader(limits.max_head), lambda head: parse_request(head, limits), pieces)


def read_response(limits: Limits, pieces: Iterable[bytes]) -> object:
    """Give the response, or why there is none."""
    reader = HeadReader(limits.max_head, RESPONSE_START)
    return read(reader, lambda head: parse_response(head, limits), pieces)


def read(reader: HeadReader, parse: Callable[[bytes], object], pieces: Iterable[bytes]) -> object:
    """Feed until there is an outcome."""
    try:
        for piece in pieces:
            if (whole := reader.feed(piece)) is not None:
                return parse(whole[0])
    except (InvalidMessage, RequestRefused) as error:
        return type(error), str(error)
    return None


def run(data: bytes) -> None:
    """Read the same bytes in one piece, in pieces, and byte by byte."""
    choices = Choices(data)
    limits = Limits(
        max_head=16 * choices.number(),
        max_target=choices.number(),
        max_headers=choices.one_of(range(16)),
    )
    stream = choices.rest[1:]
    pieces = list(choices.pieces())
    for outcome in (read_request, read_response):
        whole = outcome(limits, [stream])
        assert outcome(limits, pieces) == whole
        assert outcome(limits, [bytes([byte]) for byte in stream]) == whole
