"""permessage-deflate: compressing and inflating messages (RFC 7692 §7.2)."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator
from contextlib import suppress

from trunkline.errors import InvalidPayload
from trunkline.protocol.extensions import LARGEST_WINDOW, DeflateParameters
from trunkline.protocol.role import Role

# RFC 7692 §7.2.1: the end of an empty stored block, which the sender cuts off
TAIL = b"\x00\x00\xff\xff"
# RFC 7692 §7.2.3.4: what follows a block that says it is the last one
FINAL_PADDING = (b"", b"\x00")
# An empty stored block that says it is the last one: readable only at the border of a block
PROBE = b"\x01\x00\x00\xff\xff"

COMPRESSION_LEVEL = 3
"""The last that takes the first match it finds, which costs little more than level 2 does.

Different texts of JSON without context, memory level 5, µs and ratio, best of seven rounds of a
loop in C on a shared machine: 1 KiB with level 2 22.5 and 0.372, level 3 22.8 and 0.370, level 6
30.3 and 0.352; 64 KiB 738 and 0.240, 776 and 0.232, 1,320 and 0.205. To measure anew:
benchmarks/micro/deflate.py, whose calls through ctypes add to each row.
"""
MEMORY_LEVEL = 5
"""A tenth of the memory of zlib's default of 8, for a few per cent of size on short messages."""

# zlib has no raw deflate with a window of 2^8. With 2^9 it never looks back further than
# 2^9 − 262 = 250 bytes, which is within 2^8 as well.
SMALLEST_ZLIB_WINDOW = 9
INFLATE_WINDOW = 15
"""Bits: the largest, because it reads what any smaller one has written."""

NOT_DEFLATE = "compressed message is not valid deflate data"
GOES_ON = "compressed message goes on after its last block"
ENDS_INSIDE = "compressed message ends inside a block"

# A block of its own for each fragment, and the flush behind it, take far less.
FRAGMENT_OVERHEAD = 64


def compressed_bound(size: int, fragments: int) -> int:
    """Give more bytes than any sensible encoder needs for `size` bytes in that many fragments."""
    # The fixed code of RFC 1951 §3.2.6 takes nine bits for a byte at the worst.
    return size + size // 8 + fragments * FRAGMENT_OVERHEAD


class PerMessageDeflate:
    """Compresses what is sent and inflates what is received on one connection.

    Args:
        role: this side.
        parameters: what the opening handshake agreed on.
    """

    def __init__(self, role: Role, parameters: DeflateParameters) -> None:
        sends, receives = parameters.server, parameters.client
        if role is Role.CLIENT:
            sends, receives = receives, sends
        self.window_bits = max(sends.max_window_bits, SMALLEST_ZLIB_WINDOW)
        self._keep_compressor = not sends.no_context_takeover
        self._keep_inflater = not receives.no_context_takeover
        self._compressor: zlib._Compress | None = None
        self._inflater: zlib._Decompress | None = None
        self._after_last_block = b""

    # Sending

    def compress(self, data: bytes, *, fin: bool) -> bytes:
        """Compress one fragment of a message; `fin` says that it is the last one."""
        compressor = self._compressor or new_compressor(self.window_bits)
        self.forget_sent()  # unless all goes well
        compressed = compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)
        self._compressor = compressor if self._keep_compressor or not fin else None
        # RFC 7692 §7.2.1: four bytes of the message's end are implied
        return compressed[: -len(TAIL)] if fin else compressed

    def forget_sent(self) -> None:
        """Take note that what was compressed last is never sent; a new compressor begins."""
        self._compressor = None

    @property
    def may_send_plain(self) -> bool:
        """Whether a compressed message may be thrown away and sent plain instead.

        With context takeover it may not: the compressor has learnt what the peer would not know.
        """
        return not self._keep_compressor

    # Receiving

    def inflate(self, data: bytes, room: int | None) -> Iterator[bytes]:
        """Inflate a part of a message.

        Args:
            data: what arrived.
            room: bytes that the message may still grow by; `None` for any.

        Yields:
            At most one byte more than `room`: enough to know that it is too big.

        Raises:
            InvalidPayload: it is not deflate data, or goes on after its last block. What stands
                before the error has been given by then.
        """
        inflater = self._inflater = self._inflater or new_inflater()
        if inflater.eof:
            self._check_after_last_block(data)
            return
        before = inflater.copy()
        # zlib takes 0 for no limit, and no number that is larger than its own.
        max_length = 0 if room is None else min(room + 1, sys.maxsize)
        try:
            yield inflater.decompress(data, max_length)
        except zlib.error:
            yield from inflate_until_error(before, data, max_length)
            raise InvalidPayload(NOT_DEFLATE) from None
        self._check_after_last_block(inflater.unused_data)

    def finish_inflating(self, room: int | None) -> Iterator[bytes]:
        """Give the rest of the message, and make ready for the next one."""
        if self._inflater is None or not self._inflater.eof:
            yield from self.inflate(TAIL, room)
        assert self._inflater is not None
        if not self._inflater.eof:
            check_border(self._inflater)
        if self._inflater.eof or not self._keep_inflater:
            self._inflater = None
        self._after_last_block = b""

    def _check_after_last_block(self, data: bytes) -> None:
        self._after_last_block += data
        # RFC 7692 §7.2.3.4: a last block is followed by one byte of padding and nothing else
        if self._after_last_block not in FINAL_PADDING:
            raise InvalidPayload(GOES_ON)


def compress_once(data: bytes, window_bits: int) -> bytes:
    """Compress a whole message for every connection that sends without context takeover.

    Args:
        data: the message.
        window_bits: of the smallest window among them: `PerMessageDeflate.window_bits`.

    Raises:
        ValueError: window bits that zlib does not know.
    """
    if not SMALLEST_ZLIB_WINDOW <= window_bits <= LARGEST_WINDOW:
        raise ValueError(window_error(window_bits))
    compressor = new_compressor(window_bits)
    compressed = compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)
    return compressed[: -len(TAIL)]


def window_error(window_bits: int) -> str:
    """Say that a window cannot be."""
    return f"window bits are {window_bits}, not {SMALLEST_ZLIB_WINDOW} to {LARGEST_WINDOW}"


def new_compressor(window_bits: int) -> zlib._Compress:
    """Make a compressor that has seen nothing."""
    return zlib.compressobj(COMPRESSION_LEVEL, zlib.DEFLATED, -window_bits, MEMORY_LEVEL)


def new_inflater() -> zlib._Decompress:
    """Make an inflater that has seen nothing."""
    return zlib.decompressobj(-INFLATE_WINDOW)


def inflate_until_error(
    inflater: zlib._Decompress, data: bytes, max_length: int
) -> Iterator[bytes]:
    """Give what `data` holds before its error, byte by byte.

    zlib keeps it to itself when it meets the error in the same call. Which rule is broken first,
    this one or one about what was inflated, must not depend on how the bytes were cut.
    """
    with suppress(zlib.error):
        yield from (inflater.decompress(bytes([byte]), max_length) for byte in data)


def check_border(inflater: zlib._Decompress) -> None:
    """Check that `inflater` stands between two blocks."""
    # RFC 7692 §7.2.2: with the implied tail, a message ends at the border of a block
    probe = inflater.copy()
    try:
        probe.decompress(PROBE)
    except zlib.error:
        raise InvalidPayload(ENDS_INSIDE) from None
    if not probe.eof or probe.unused_data:
        raise InvalidPayload(ENDS_INSIDE)
