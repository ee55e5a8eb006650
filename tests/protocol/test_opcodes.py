"""Opcodes (RFC 6455 §5.2, §11.8)."""

import pytest

from trunkline.protocol.opcodes import Opcode


def test_the_opcodes_are_those_of_the_registry() -> None:
    assert {opcode.name: opcode.value for opcode in Opcode} == {
        "CONTINUATION": 0,
        "TEXT": 1,
        "BINARY": 2,
        "CLOSE": 8,
        "PING": 9,
        "PONG": 10,
    }


@pytest.mark.parametrize("opcode", list(Opcode))
def test_a_control_opcode_has_the_high_bit_set(opcode: Opcode) -> None:
    assert opcode.is_control == bool(opcode & 0b1000)
