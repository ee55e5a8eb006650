"""Short conversations drawn by a plain generator of random numbers: thousands in a second.

Hypothesis shrinks what it draws, and pays for that; here it draws the seed only.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from random import Random

from tests.properties.conversations import FIRST_BYTES, TEXT_BYTES, deflated
from trunkline.limits import Limits
from trunkline.protocol.extensions import DeflateParameters, Direction
from trunkline.protocol.masking import apply_mask
from trunkline.protocol.role import Role

FLUSHES = (zlib.Z_SYNC_FLUSH, zlib.Z_FINISH, zlib.Z_NO_FLUSH)
PLAIN = [b"", *TEXT_BYTES, *(bytes([byte]) for byte in range(0, 256, 15)), b"y" * 300]
DEFLATED = [
    tail
    for plain in [*PLAIN, bytes(400)]
    for flush in FLUSHES
    for data in [deflated(plain, flush)]
    for tail in (data, data.removesuffix(b"\0\0\xff\xff"), data + b"\0")
]
CLOSES = [b"", b"\x03\xe8", b"\x03\xe8bye", b"\x03\xe8\xff", b"\x03", b"\x03\xed", b"\x0f\xa0"]
AGREEMENTS = [None] * 3 + [
    DeflateParameters(server=Direction(forgets), client=Direction(forgets, 9))
    for forgets in (True, False)
]
SIZES = [None, None, None, 2**70, 200, 100, 5, 3, 1, 0]
FRAGMENTS = [50, 50, 50, 3, 2, 1, 0]
FIN, RSV1 = 0x80, 0x40


def draw_limits(random: Random) -> Limits:
    """Draw limits; some are met within a few frames."""
    return Limits(
        max_size=random.choice(SIZES),
        max_fragments=random.choice(FRAGMENTS),
        min_compress=random.choice([0, 3, 2**40]),
    )


def draw_fragments(random: Random, *, is_compressed: bool) -> Iterator[tuple[int, bytes]]:
    """Draw a message, with pings between its frames; give first bytes and payloads."""
    payload = random.choice(DEFLATED if is_compressed else PLAIN)
    first = random.choice([1, 1, 2]) | RSV1 * is_compressed
    while random.random() < 0.4:
        cut = random.randrange(len(payload) + 1)
        yield first, payload[:cut]
        first, payload = 0, payload[cut:]
        if random.random() < 0.3:
            yield FIN | random.choice([9, 10]), random.choice(PLAIN)[:125]
    yield FIN | first, payload


def draw_frames(random: Random, *, may_compress: bool) -> Iterator[tuple[int, bytes]]:
    """Draw a few messages, sometimes with a frame between that is wrong, or the last one."""
    for _ in range(random.randrange(1, 4)):
        is_compressed = may_compress and random.random() < 0.7
        for first, payload in draw_fragments(random, is_compressed=is_compressed):
            if random.random() < 0.03:
                yield random.choice(FIRST_BYTES), random.choice(PLAIN)
            if random.random() < 0.01:
                yield random.randrange(256), payload
            yield first, payload
    if random.random() < 0.2:
        yield FIN | 8, random.choice(CLOSES)


def encode(random: Random, first: int, payload: bytes, receiver: Role) -> bytes:
    """Encode a frame, nearly always rightly."""
    is_masked = (not receiver.masks) == (random.random() < 0.995)
    length, mask = len(payload), 0x80 * is_masked
    if length < 126 and random.random() < 0.995:
        head = bytes([first, mask | length])
    elif random.random() < 0.97:
        head = bytes([first, mask | 126]) + length.to_bytes(2)
    else:
        head = bytes([first, mask | 127]) + random.choice([length, 70_000, 2**63]).to_bytes(8)
    if not is_masked:
        return head + payload
    key = random.choice([bytes(4), random.randbytes(4)])
    return head + key + apply_mask(payload, key)


def draw_reads(random: Random, receiver: Role, *, may_compress: bool) -> list[bytes]:
    """Draw a few messages, and the reads in which they arrive."""
    frames = draw_frames(random, may_compress=may_compress)
    stream = b"".join(encode(random, *frame, receiver) for frame in frames)
    if random.random() < 0.1:
        return [stream[at : at + 1] for at in range(len(stream))]
    cuts = sorted(random.randrange(len(stream) + 1) for _ in range(random.randrange(4)))
    return [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
