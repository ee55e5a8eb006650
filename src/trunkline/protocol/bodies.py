"""Bodies of refusals, as far as they are wanted (RFC 9112 §6, §7)."""

from __future__ import annotations

import re

from trunkline.protocol.headers import Headers
from trunkline.protocol.http1 import END_OF_LINE

CONTENT_LENGTH = re.compile(r"[0-9]{1,19}")
CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?")
MAX_CHUNK_LINE = 256


class BodyReader:
    """Collects the body of a response that is an error.

    Args:
        headers: of the response.
        max_size: bytes, on the wire, after which the rest does not matter.
    """

    def __init__(self, headers: Headers, max_size: int) -> None:
        codings = (headers.get_list("Transfer-Encoding") or "").lower()
        is_chunked = codings.rpartition(",")[2].strip() == "chunked"
        self._chunks = ChunkReader() if is_chunked else None
        self._missing = max_size if codings else body_length(headers, max_size)
        self._body = bytearray()

    def feed(self, data: bytes) -> bool:
        """Take what arrived; say whether that is all."""
        wanted = data[: self._missing]
        self._missing -= len(wanted)
        if self._chunks is None:
            self._body += wanted
            return not self._missing
        self._body += self._chunks.feed(wanted)
        return self._chunks.is_done or not self._missing

    def body(self) -> bytes:
        """Give what there is of the body."""
        return bytes(self._body)


def body_length(headers: Headers, max_size: int) -> int:
    """Give the bytes to wait for; a length that cannot be read means: to the end."""
    lengths = headers.get_all("Content-Length")
    if len(lengths) == 1 and CONTENT_LENGTH.fullmatch(lengths[0]):
        return min(int(lengths[0]), max_size)
    return max_size


class ChunkReader:
    """Takes the chunks of a body out of their wrapping (RFC 9112 §7.1).

    `is_done` after the last one, or at what cannot be read.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._missing = 0
        self.is_done = False

    def feed(self, data: bytes) -> bytes:
        """Take what arrived; give what it holds of the body."""
        self._buffer += data
        body = bytearray(self._chunk_data())
        while self._next_line():
            body += self._chunk_data()
        return bytes(body)

    def _chunk_data(self) -> bytes:
        piece = bytes(self._buffer[: self._missing])
        del self._buffer[: len(piece)]
        self._missing -= len(piece)
        return piece

    def _next_line(self) -> bool:
        """Read the next line; say whether there was one."""
        if self._missing or self.is_done:
            return False
        line_end = self._buffer.find(END_OF_LINE, 0, MAX_CHUNK_LINE)
        if line_end < 0:
            self.is_done = len(self._buffer) >= MAX_CHUNK_LINE
            return False
        self._read_line(bytes(self._buffer[:line_end]))
        del self._buffer[: line_end + len(END_OF_LINE)]
        return True

    def _read_line(self, line: bytes) -> None:
        # An empty line ends the chunk before it.
        if line:
            match = CHUNK_SIZE.fullmatch(line)
            self._missing = int(match[1], 16) if match else 0
            self.is_done = not self._missing
