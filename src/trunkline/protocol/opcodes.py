"""Opcodes (RFC 6455 §5.2)."""

from enum import IntEnum


class Opcode(IntEnum):
    """What a frame is."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA

    @property
    def is_control(self) -> bool:
        """Whether it is one of the control opcodes, which have the high bit set (§5.5)."""
        return self >= Opcode.CLOSE
