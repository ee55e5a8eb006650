"""Frames: bytes ⇄ header and payload (RFC 6455 §5.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from trunkline.errors import ProtocolError
from trunkline.protocol.masking import MASK_KEY_BYTES, apply_mask
from trunkline.protocol.opcodes import Opcode
from trunkline.protocol.role import Role

FIN = 0b1000_0000
RSV1 = 0b0100_0000
RSV2_AND_RSV3 = 0b0011_0000
OPCODE = 0b0000_1111
MASK = 0b1000_0000
LENGTH = 0b0111_1111

LENGTH_16 = 126
LENGTH_64 = 127
MAX_CONTROL_PAYLOAD = 125
MAX_7_BIT = 125
MAX_16_BIT = 0xFFFF
MAX_63_BIT = (1 << 63) - 1

OPCODES = {int(opcode): opcode for opcode in Opcode}
LENGTH_BYTES = {LENGTH_16: 2, LENGTH_64: 8}


class FrameHeader(NamedTuple):
    """What stands before a payload."""

    fin: bool
    rsv1: bool
    opcode: Opcode
    length: int
    mask_key: bytes | None


class FramePart(NamedTuple):
    """As much of a frame's payload, unmasked, as has arrived.

    Control frames come in one part. Others come in a first part, even an empty one, as soon as
    their header is known, so that nothing is waited for that would be refused.
    """

    header: FrameHeader
    payload: bytes
    starts: bool
    ends: bool


def encode_frame(
    opcode: Opcode,
    payload: bytes,
    *,
    fin: bool = True,
    rsv1: bool = False,
    mask_key: bytes | None = None,
) -> bytes:
    """Encode one frame; with `mask_key` the payload is masked."""
    first = (FIN if fin else 0) | (RSV1 if rsv1 else 0) | opcode
    masked = 0 if mask_key is None else MASK
    head = bytes([first]) + encode_length(len(payload), masked)
    if mask_key is None:
        return head + payload
    return head + mask_key + apply_mask(payload, mask_key)


def encode_length(length: int, masked: int) -> bytes:
    """Encode the length in its shortest form, with the mask bit before it."""
    if length <= MAX_7_BIT:
        return bytes([masked | length])
    if length <= MAX_16_BIT:
        return bytes([masked | LENGTH_16]) + length.to_bytes(2)
    return bytes([masked | LENGTH_64]) + length.to_bytes(8)


def parse_header(data: bytes | bytearray, start: int, role: Role) -> tuple[FrameHeader, int] | None:
    """Parse the header at `start`, and say where its payload begins.

    Args:
        data: what has been received.
        start: where the header begins.
        role: the receiving side.

    Returns:
        `None` while bytes are missing.

    Raises:
        ProtocolError: a rule is broken; the first two bytes are judged before more are waited for.
    """
    if len(data) < start + 2:
        return None
    first, second = data[start], data[start + 1]
    opcode = check_first_byte(first)
    check_second_byte(second, opcode, fin=bool(first & FIN), role=role)
    length_end = start + 2 + LENGTH_BYTES.get(second & LENGTH, 0)
    payload_start = length_end + (MASK_KEY_BYTES if second & MASK else 0)
    if len(data) < length_end:
        return None
    length = parse_length(second & LENGTH, data[start + 2 : length_end])
    if len(data) < payload_start:
        return None
    mask_key = bytes(data[length_end:payload_start]) if second & MASK else None
    header = FrameHeader(bool(first & FIN), bool(first & RSV1), opcode, length, mask_key)
    return header, payload_start


def check_first_byte(first: int) -> Opcode:
    """Check the reserved bits and the opcode."""
    # RFC 6455 §5.2: no extension that gives RSV2 or RSV3 a meaning can be negotiated
    if first & RSV2_AND_RSV3:
        raise ProtocolError("reserved bit RSV2 or RSV3 is set")
    opcode = OPCODES.get(first & OPCODE)
    # RFC 6455 §5.2: an unknown opcode fails the connection
    if opcode is None:
        raise ProtocolError(f"opcode {first & OPCODE:#x} is reserved")
    # RFC 7692 §6.1: the bit marks messages, and control frames are none
    if opcode.is_control and first & RSV1:
        raise ProtocolError("reserved bit RSV1 is set on a control frame")
    return opcode


def check_second_byte(second: int, opcode: Opcode, *, fin: bool, role: Role) -> None:
    """Check the mask bit, and the length as far as it is known."""
    # RFC 6455 §5.1: clients mask every frame, servers none
    if role.masks and second & MASK:
        raise ProtocolError("server frame is masked")
    if not (role.masks or second & MASK):
        raise ProtocolError("client frame is not masked")
    if not opcode.is_control:
        return
    # RFC 6455 §5.5: control frames are never fragmented
    if not fin:
        raise ProtocolError("control frame is fragmented")
    # RFC 6455 §5.5: control frames carry at most 125 bytes
    if second & LENGTH > MAX_CONTROL_PAYLOAD:
        raise ProtocolError(f"control frame is over {MAX_CONTROL_PAYLOAD} bytes")


def parse_length(short: int, extended: bytes | bytearray) -> int:
    """Give the payload's length, in bytes."""
    if not extended:
        return short
    length = int.from_bytes(extended)
    # RFC 6455 §5.2: the most significant bit of a 64-bit length is 0
    if length > MAX_63_BIT:
        raise ProtocolError("frame length has its most significant bit set")
    # RFC 6455 §5.2: the shortest form is the only one
    if length <= (MAX_7_BIT if short == LENGTH_16 else MAX_16_BIT):
        raise ProtocolError(f"frame length {length:,} is not in its shortest form")
    return length


class FrameReader:
    """Cuts what arrives into parts of frames.

    It holds back an unfinished header or control frame, 139 bytes at the most; payloads of
    messages leave as they arrive, so the cost of a byte does not depend on how bytes are cut.

    Args:
        role: the receiving side.
    """

    def __init__(self, role: Role) -> None:
        self._role = role
        self._buffer = bytearray()
        self._position = 0
        self._header: FrameHeader | None = None
        self._payload_seen = 0

    def feed(self, data: bytes) -> None:
        """Take what has been received."""
        del self._buffer[: self._position]
        self._position = 0
        self._buffer += data

    def parts(self) -> Iterator[FramePart]:
        """Give every part that is there; raise `ProtocolError` at a broken rule."""
        while part := self._next_part():
            yield part

    def clear(self) -> None:
        """Forget what has been received."""
        self._buffer.clear()
        self._position = 0

    def _next_part(self) -> FramePart | None:
        if self._header is not None:
            return self._payload_part(self._header, starts=False)
        parsed = parse_header(self._buffer, self._position, self._role)
        if parsed is None:
            return None
        header, payload_start = parsed
        if header.opcode.is_control:
            return self._control_part(header, payload_start)
        self._header, self._position, self._payload_seen = header, payload_start, 0
        return self._payload_part(header, starts=True)

    def _control_part(self, header: FrameHeader, payload_start: int) -> FramePart | None:
        end = payload_start + header.length
        if len(self._buffer) < end:
            return None
        self._position = payload_start
        return FramePart(header, self._take(header, header.length, 0), starts=True, ends=True)

    def _payload_part(self, header: FrameHeader, *, starts: bool) -> FramePart | None:
        missing = header.length - self._payload_seen
        size = min(missing, len(self._buffer) - self._position)
        if not (size or starts):
            return None
        payload = self._take(header, size, self._payload_seen)
        self._payload_seen += size
        ends = size == missing
        if ends:
            self._header = None
        return FramePart(header, payload, starts=starts, ends=ends)

    def _take(self, header: FrameHeader, size: int, offset: int) -> bytes:
        end = self._position + size
        payload = bytes(self._buffer[self._position : end])
        self._position = end
        return payload if header.mask_key is None else apply_mask(payload, header.mask_key, offset)
