"""What a side must have understood of the bytes that reached it: an oracle of its own.

It reads unmasked lengths of 7 bits only, whole messages and a close frame; more is not sent here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import cycle

END_OF_HEAD = b"\r\n\r\n"
FIN = 0x80
OPCODE = 0x0F
MASKED = 0x80
LENGTH = 0x7F
MASK_KEY_BYTES = 4
CONTINUATION, TEXT, BINARY, CLOSE = 0, 1, 2, 8
CODE_BYTES = 2
NO_STATUS = 1005


@dataclass
class Understanding:
    """What has arrived as a whole."""

    has_head: bool = False
    messages: list[str | bytes] = field(default_factory=list)
    close: tuple[int, str] | None = None
    """Code and reason."""


def understand(data: bytes) -> Understanding:
    """Read a head and the frames behind it, as far as they are whole."""
    _, found, rest = data.partition(END_OF_HEAD)
    understanding = Understanding(has_head=bool(found))
    kind, parts = TEXT, b""
    while frame := cut_frame(rest):
        first, payload, rest = frame
        opcode = first & OPCODE
        if opcode == CLOSE:
            code = int.from_bytes(payload[:CODE_BYTES]) or NO_STATUS
            understanding.close = (code, payload[CODE_BYTES:].decode())
            break
        if opcode > BINARY:
            continue
        kind, parts = (opcode or kind), parts + payload
        if first & FIN:
            understanding.messages.append(parts.decode() if kind == TEXT else parts)
            parts = b""
    return understanding


def cut_frame(data: bytes) -> tuple[int, bytes, bytes] | None:
    """Give first byte and payload of a frame, and what follows it; none if it is not whole."""
    if len(data) < 2:
        return None
    first, second = data[0], data[1]
    start = 2 + (MASK_KEY_BYTES if second & MASKED else 0)
    end = start + (second & LENGTH)
    if len(data) < end:
        return None
    key = data[2:start] or b"\0"
    payload = bytes(a ^ b for a, b in zip(data[start:end], cycle(key), strict=False))
    return first, payload, data[end:]
