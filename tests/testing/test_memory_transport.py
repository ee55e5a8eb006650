"""An end of a line in memory behaves as one of asyncio's transports does."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from trunkline.limits import LINE_BYTES, LINE_READ
from trunkline.testing.clock import Clock
from trunkline.testing.line import Line
from trunkline.testing.memory_transport import MemoryTransport

HIGH, LOW = 1000, 100


class Peer(asyncio.Protocol):
    """Writes down what it is told; `failing` names a method that raises."""

    def __init__(self, failing: str = "", *, keeps_open: bool = True) -> None:
        self.pieces: list[bytes] = []
        self.told: list[str] = []
        self.losses: list[Exception | None] = []
        self._failing = failing
        self._keeps_open = keeps_open

    @property
    def data(self) -> bytes:
        return b"".join(self.pieces)

    def _tell(self, name: str) -> None:
        self.told.append(name)
        if name == self._failing:
            raise LookupError(name)

    def data_received(self, data: bytes) -> None:
        self.pieces.append(data)
        self._tell("data")

    def eof_received(self) -> bool:
        self._tell("end")
        return self._keeps_open

    def pause_writing(self) -> None:
        self._tell("pause")

    def resume_writing(self) -> None:
        self._tell("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.losses.append(exc)


class Pair:
    """Two ends, with a protocol at each."""

    def __init__(self, near: Peer | None = None, far: Peer | None = None) -> None:
        self.gone: list[Line] = []
        line = Line(asyncio.get_running_loop(), "near", "far", self.gone.append)
        self.line = line
        self.near, self.far = line.client, line.server
        self.near_peer, self.far_peer = near or Peer(), far or Peer()
        for end, peer in ((self.near, self.near_peer), (self.far, self.far_peer)):
            end.set_protocol(peer)
            end.set_write_buffer_limits(HIGH, LOW)


async def test_what_is_written_arrives_in_pieces_of_a_limited_size() -> None:
    clock = Clock()
    with clock.drive():
        pair = Pair()
        pair.near.write(b"")
        pair.near.write(bytearray(b"a"))
        pair.near.write(memoryview(b"b" * 2 * LINE_READ))
        await clock.settle()
        assert [len(piece) for piece in pair.far_peer.pieces] == [LINE_READ, LINE_READ, 1]
        assert pair.far_peer.data == b"a" + b"b" * 2 * LINE_READ
        assert pair.near.get_protocol() is pair.near_peer
        assert pair.near.get_write_buffer_limits() == (LOW, HIGH)
        assert pair.near.can_write_eof()


async def test_writing_pauses_while_there_is_no_room_and_the_buffer_is_high() -> None:
    clock = Clock()
    with clock.drive():
        pair = Pair()
        pair.far.pause_reading()
        assert not pair.far.is_reading()
        pair.near.write(bytes(LINE_BYTES))
        pair.near.write(bytes(HIGH))
        assert (pair.near.get_write_buffer_size(), pair.near_peer.told) == (HIGH, [])
        pair.near.write(b"x")
        pair.near.write(b"x")
        assert (pair.near.get_write_buffer_size(), pair.near_peer.told) == (HIGH + 2, ["pause"])
        await clock.advance(100.0)
        assert pair.near_peer.told == ["pause"]
        pair.far.resume_reading()
        await clock.settle()
        assert pair.near_peer.told == ["pause", "resume"]
        assert len(pair.far_peer.data) == LINE_BYTES + HIGH + 2


async def test_writing_pauses_as_soon_as_the_limit_is_below_the_buffer() -> None:
    clock = Clock()
    with clock.drive():
        pair = Pair()
        pair.far.pause_reading()
        pair.near.write(bytes(LINE_BYTES + 1))
        pair.near.set_write_buffer_limits(1)
        assert pair.near_peer.told == []
        pair.near.set_write_buffer_limits(0)
        assert pair.near_peer.told == ["pause"]
        assert pair.near.get_write_buffer_limits() == (0, 0)
        pair.far.resume_reading()
        await clock.settle()
        assert pair.near_peer.told == ["pause", "resume"]


async def test_nothing_is_delivered_while_reading_is_paused_or_before_there_is_a_protocol() -> None:
    clock = Clock()
    with clock.drive():
        line = Line(asyncio.get_running_loop(), "near", "far", lambda line: None)
        line.client.write(b"early")
        await clock.settle()
        peer = Peer()
        line.server.set_protocol(peer)
        line.server.pause_reading()
        await clock.settle()
        assert peer.pieces == []
        line.server.resume_reading()
        await clock.settle()
        assert peer.data == b"early"


async def test_one_direction_can_end_before_the_other() -> None:
    clock = Clock()
    with clock.drive():
        pair = Pair()
        pair.near.write(b"question")
        pair.near.write_eof()
        await clock.settle()
        assert pair.far_peer.told == ["data", "end"]
        pair.far.write(b"answer")
        pair.far.close()
        pair.far.close()
        pair.far.write(b"too late")
        assert pair.far.is_closing()
        await clock.settle()
        assert pair.near_peer.data == b"answer"
        pair.near.close()
        await clock.settle()
        assert pair.near_peer.losses == pair.far_peer.losses == [None]
        assert pair.gone == [pair.line]


async def test_an_end_waits_for_what_is_unsent() -> None:
    clock = Clock()
    with clock.drive():
        pair = Pair()
        pair.near.write(bytes(2 * LINE_BYTES))
        pair.near.write_eof()
        await clock.settle()
        assert len(pair.far_peer.data) == 2 * LINE_BYTES
        assert pair.far_peer.told[-1] == "end"
        pair.far.write(bytes(2 * LINE_BYTES))
        pair.far.close()
        await clock.settle()
        assert len(pair.near_peer.data) == 2 * LINE_BYTES
        assert pair.far_peer.losses == [None]


async def test_a_protocol_that_does_not_keep_its_side_open_closes_at_the_end() -> None:
    clock = Clock()
    with clock.drive():
        pair = Pair(far=Peer(keeps_open=False))
        pair.near.write_eof()
        await clock.settle()
        assert pair.far_peer.losses == [None]
        assert pair.near_peer.told == ["end"]


async def test_an_abort_drops_what_is_unsent() -> None:
    clock = Clock()
    with clock.drive():
        pair = Pair()
        pair.near.write(bytes(2 * LINE_BYTES))
        pair.near.abort()
        pair.near.abort()
        assert pair.near_peer.losses == []
        await clock.settle()
        assert pair.near_peer.losses == [None]
        assert len(pair.far_peer.data) == LINE_BYTES
        assert pair.far_peer.told[-1] == "end"


async def test_bytes_for_an_end_that_is_gone_reset_the_sender() -> None:
    clock = Clock()
    with clock.drive():
        pair = Pair()
        pair.near.abort()
        await clock.settle()
        pair.far.write(b"anybody?")
        pair.far.write_eof()
        await clock.settle()
        (error,) = pair.far_peer.losses
        assert isinstance(error, ConnectionResetError)
        assert str(error) == "connection reset: the peer has let go of the stream"


async def test_who_leaves_without_reading_resets_the_sender() -> None:
    clock = Clock()
    with clock.drive():
        pair = Pair()
        pair.near.pause_reading()
        pair.far.write(b"for you")
        await clock.settle()
        pair.near.close()
        await clock.settle()
        (error,) = pair.far_peer.losses
        assert str(error) == "connection reset: the peer has left bytes unread"
        assert pair.near_peer.losses == [None]


async def test_an_end_that_arrives_at_one_that_is_gone_means_nothing() -> None:
    clock = Clock()
    with clock.drive():
        pair = Pair()
        pair.near.abort()
        pair.far.abort()
        await clock.settle()
        assert pair.near_peer.losses == pair.far_peer.losses == [None]


async def test_a_line_that_nobody_accepted_can_be_reset() -> None:
    clock = Clock()
    with clock.drive():
        line = Line(asyncio.get_running_loop(), "near", "far", lambda line: None)
        line.cut()
        await clock.settle()
        assert line.client.is_lost and line.server.is_lost


@pytest.mark.parametrize("failing", ["data", "end", "pause", "resume"])
async def test_a_protocol_that_fails_is_logged_and_loses_its_end(failing: str) -> None:
    loop = asyncio.get_running_loop()
    logged: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: logged.append(context))
    clock = Clock()
    with clock.drive():
        pair = Pair(far=Peer(failing))
        if failing in ("pause", "resume"):
            pair.far.write(bytes(LINE_BYTES + HIGH + 1))
        pair.near.write(b"x")
        pair.near.write_eof()
        await clock.settle()
        assert [type(context["exception"]) for context in logged] == [LookupError]
        assert pair.far_peer.losses == [logged[0]["exception"]]


async def test_nothing_is_told_to_a_protocol_that_was_lost_meanwhile() -> None:
    clock = Clock()
    with clock.drive():
        pair = Pair()
        pair.near.write(b"x")
        pair.near.write_eof()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        pair.far.abort()
        await clock.settle()
        assert pair.far_peer.losses == [None]
        assert pair.far_peer.told in ([], ["data"])


class Buffered(asyncio.BufferedProtocol):
    """Gives buffers of three bytes."""

    def __init__(self) -> None:
        self.data = b""
        self._buffer = bytearray(3)

    def get_buffer(self, sizehint: int) -> bytearray:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.data += self._buffer[:nbytes]


async def test_a_protocol_may_give_the_buffers_itself() -> None:
    clock = Clock()
    with clock.drive():
        pair = Pair()
        protocol = Buffered()
        pair.far.set_protocol(protocol)
        pair.near.write(b"seven!!")
        await clock.settle()
        assert protocol.data == b"seven!!"


def test_tls_can_be_laid_over_it() -> None:
    assert MemoryTransport._start_tls_compatible
