"""Compression: what was compressed comes back; any bytes give a documented error, within limits."""

from fuzz.choices import Choices
from trunkline.errors import InvalidPayload
from trunkline.protocol.deflate import PerMessageDeflate
from trunkline.protocol.extensions import DeflateParameters, Direction
from trunkline.protocol.role import Role

BOUND_BYTES = 4096


def direction(choices: Choices) -> Direction:
    """Choose how one side compresses."""
    return Direction(bool(choices.number() % 2), choices.one_of(range(8, 16)))


def inflate(side: PerMessageDeflate, compressed: bytes, room: int, cut: int) -> bytes:
    """Inflate a message that comes in two parts."""
    message = b""
    for part in (compressed[:cut], compressed[cut:]):
        message += b"".join(side.inflate(part, room - len(message)))
    return message + b"".join(side.finish_inflating(room - len(message)))


def run(data: bytes) -> None:
    """Compress and inflate some messages, then inflate what nobody compressed."""
    choices = Choices(data)
    agreed = DeflateParameters(server=direction(choices), client=direction(choices))
    server, client = (PerMessageDeflate(role, agreed) for role in (Role.SERVER, Role.CLIENT))
    cut, count = choices.number(), choices.number() % 4
    for _ in range(count):
        message = choices.some(choices.number())
        compressed = client.compress(message, fin=True)
        assert inflate(server, compressed, len(message), cut) == message
    try:
        hostile = list(server.inflate(choices.rest, BOUND_BYTES))
        # One byte too much says that it is too big, and then it is over.
        if sum(map(len, hostile)) <= BOUND_BYTES:
            hostile += server.finish_inflating(BOUND_BYTES - sum(map(len, hostile)))
    except InvalidPayload:
        return
    assert sum(map(len, hostile)) <= BOUND_BYTES + 1
