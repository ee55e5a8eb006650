import pytest

from trunkline.cli.doctor.probes.reply import Reply
from trunkline.cli.doctor.probes.stopwatch import Stopwatch
from trunkline.errors import InvalidMessage
from trunkline.limits import DEFAULT_LIMITS, DOCTOR_BEGINNING


class Told(Stopwatch):
    def __init__(self, *seconds: float) -> None:
        self._told = iter(seconds)

    def seconds(self) -> float:
        return next(self._told)


async def test_an_answer_is_read_and_its_beginning_kept() -> None:
    reply = Reply(DEFAULT_LIMITS)
    reply.stopwatch = Told(1.5, 2.5)
    head = b"HTTP/1.1 101 Switching Protocols\r\nX: " + bytes(DOCTOR_BEGINNING).replace(b"\0", b"x")
    reply.bytes_received(head[:20])
    reply.bytes_received(head[20:])
    reply.bytes_received(b"\r\n\r\nrest")
    response, rest = await reply.received()
    assert (response.status_code, rest) == (101, b"rest")
    assert reply.beginning == head[:DOCTOR_BEGINNING]
    assert reply.seconds == 1.5


async def test_the_beginning_of_something_else_is_kept_too() -> None:
    reply = Reply(DEFAULT_LIMITS)
    reply.bytes_received(b"SSH-2.0-OpenSSH\r\n")
    with pytest.raises(InvalidMessage):
        await reply.received()
    assert reply.beginning.startswith(b"SSH-")
