"""Messages: fragments joined, inflated, checked (RFC 6455 §5.4, §5.6)."""

from __future__ import annotations

from collections.abc import Iterable

from trunkline.errors import PayloadTooBig, ProtocolError, TooManyFragments
from trunkline.limits import Limits
from trunkline.protocol.deflate import PerMessageDeflate, compressed_bound
from trunkline.protocol.events import Binary, Text
from trunkline.protocol.frames import FrameHeader, FramePart
from trunkline.protocol.opcodes import Opcode
from trunkline.protocol.utf8 import Utf8Validator

INTERLEAVED = "new message begins inside a fragmented one"
NOT_NEGOTIATED = "reserved bit RSV1 is set, and compression was not negotiated"
NOTHING_TO_CONTINUE = "continuation frame without a message to continue"
RSV1_LATER = "reserved bit RSV1 is set on a continuation frame"


class MessageReader:
    """Joins the parts of data frames to messages.

    What is kept of an unfinished message is its bytes so far, in one buffer: many small parts
    take no more room than one large one.

    Args:
        limits: `max_size` and `max_fragments` apply.
        deflate: the negotiated extension, or `None`.
    """

    def __init__(self, limits: Limits, deflate: PerMessageDeflate | None) -> None:
        self._limits = limits
        self._deflate = deflate
        self._utf8 = Utf8Validator()
        self._opcode: Opcode | None = None
        self._compressed = False
        self._fragments = 0
        self._wire_size = 0
        self._payload = bytearray()
        self.empty_fragments = 0
        """Frames that brought nothing, and were no message by themselves."""

    def receive(self, part: FramePart) -> Text | Binary | None:
        """Take the next part; give the message that it completes.

        Raises:
            ProtocolError: a frame in the wrong place.
            PayloadTooBig, TooManyFragments: a limit is passed, as soon as that is known.
            InvalidPayload: text that is not UTF-8, data that does not inflate.
        """
        if part.starts:
            self._begin_frame(part.header)
        if part.payload:
            self._append(self._inflated(part.payload))
        if part.ends and part.header.fin:
            return self._finish()
        return None

    def _begin_frame(self, header: FrameHeader) -> None:
        if header.opcode is Opcode.CONTINUATION:
            self._continue_message(header)
        else:
            self._begin_message(header)
        self._fragments += 1
        if self._fragments > self._limits.max_fragments:
            raise TooManyFragments(self._limits.max_fragments)
        self._check_length(header.length)
        # RFC 6455 §5.4: they are allowed, as many as the sender likes
        if not (header.length or (header.fin and header.opcode is not Opcode.CONTINUATION)):
            self.empty_fragments += 1

    def _begin_message(self, header: FrameHeader) -> None:
        # RFC 6455 §5.4: the fragments of two messages are never interleaved
        if self._opcode is not None:
            raise ProtocolError(INTERLEAVED)
        # RFC 6455 §5.2: a reserved bit needs an extension that defines it
        if header.rsv1 and self._deflate is None:
            raise ProtocolError(NOT_NEGOTIATED)
        self._opcode = header.opcode
        self._compressed = header.rsv1

    def _continue_message(self, header: FrameHeader) -> None:
        # RFC 6455 §5.4: a continuation needs a message to continue
        if self._opcode is None:
            raise ProtocolError(NOTHING_TO_CONTINUE)
        # RFC 7692 §6.1: the bit stands on the first frame of a message
        if header.rsv1:
            raise ProtocolError(RSV1_LATER)

    def _check_length(self, length: int) -> None:
        """Compare the declared length before a byte of it is taken in."""
        self._wire_size += length
        limit = self._limits.max_size
        if limit is None:
            return
        if self._compressed:
            if self._wire_size > compressed_bound(limit, self._fragments):
                raise PayloadTooBig(None, limit)
        elif self._wire_size > limit:
            raise PayloadTooBig(self._wire_size, limit)

    def _inflated(self, payload: bytes) -> Iterable[bytes]:
        if not self._compressed:
            return (payload,)
        assert self._deflate is not None
        return self._deflate.inflate(payload, self._room())

    def _room(self) -> int | None:
        """Give how many bytes the message may still grow by."""
        limit = self._limits.max_size
        return None if limit is None else limit - len(self._payload)

    def _append(self, pieces: Iterable[bytes]) -> None:
        for piece in pieces:
            fitting = piece[: self._room()]
            if self._opcode is Opcode.TEXT:
                self._utf8.feed(fitting)
            self._payload += fitting
            if len(fitting) < len(piece):
                raise PayloadTooBig(None, len(self._payload))

    def _finish(self) -> Text | Binary:
        if self._compressed:
            assert self._deflate is not None
            self._append(self._deflate.finish_inflating(self._room()))
        opcode, payload = self._opcode, self._payload
        self._opcode, self._payload = None, bytearray()
        self._fragments = self._wire_size = 0
        if opcode is Opcode.BINARY:
            return Binary(bytes(payload))
        self._utf8.finish()
        return Text(payload.decode())
