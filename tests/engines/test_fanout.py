"""The same bytes on many streams: the reference and its compiled twin, on real sockets."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any

import pytest

from tests.contracts.twins import needs
from tests.engines.ear import HANG, Ear
from trunkline.engines.asyncio_engine import AsyncioEngine
from trunkline.engines.choose import FanOut, fan_out_for, new_engine
from trunkline.engines.engine import Address, Engine, Stream
from trunkline.engines.fanout import fan_out

WRITE_LIMIT = 1000
LARGE = b"x" * 1_000_000
"""More than the buffers of a pair of sockets hold."""


class Note:
    """A stream that takes note, or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.is_held_up = False
        self.written = b""
        self.was_aborted = False
        self._error = error

    def write(self, data: bytes) -> None:
        if self._error is not None:
            raise self._error
        self.written += data

    def abort(self) -> None:
        self.was_aborted = True


def test_a_stream_that_fails_is_aborted_and_harms_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    streams: Any = [Note(), Note(OSError("broken")), Note()]
    with caplog.at_level(logging.ERROR, "trunkline.engine"):
        assert fan_out(streams, b"abc") == []
    assert [stream.written for stream in streams] == [b"abc", b"", b"abc"]
    assert [stream.was_aborted for stream in streams] == [False, True, False]
    assert "a stream failed in a fan-out" in caplog.text


# The contract of both


class Quay:
    """Streams of an engine, whose other ends are sockets that a test reads from."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.streams: list[Stream] = []
        self.ears: list[Ear] = []
        self.ends: list[socket.socket] = []

    async def moor(self, count: int) -> None:
        for _ in range(count):
            near, far = socket.socketpair()
            near.setblocking(False)
            far.setblocking(False)
            ear = Ear()
            stream = await self.engine.connect(
                Address(sock=near), ear, tls=None, write_limit=WRITE_LIMIT
            )
            self.streams.append(stream)
            self.ears.append(ear)
            self.ends.append(far)

    @property
    def fan_out(self) -> FanOut:
        return fan_out_for(self.streams[0])

    async def read(self, index: int, size: int) -> bytes:
        loop, data = asyncio.get_running_loop(), b""
        async with asyncio.timeout(HANG):
            while len(data) < size:
                data += await loop.sock_recv(self.ends[index], size - len(data))
        return data

    def close(self) -> None:
        for stream in self.streams:
            stream.abort()
        for end in self.ends:
            end.close()
        if not isinstance(self.engine, AsyncioEngine):
            self.engine.close()


@pytest.fixture(params=["asyncio", pytest.param("native", marks=needs("fanout"))])
async def quay(request: pytest.FixtureRequest) -> Any:
    quay = Quay(new_engine(request.param, asyncio.get_running_loop()))
    yield quay
    quay.close()
    for _ in range(3):
        await asyncio.sleep(0)


@pytest.mark.parametrize("count", [0, 1, 99, 100, 150])
async def test_every_stream_gets_the_bytes(quay: Quay, count: int) -> None:
    await quay.moor(max(count, 1))
    assert quay.fan_out(quay.streams[:count], b"abc") == []
    assert [await quay.read(index, 3) for index in range(count)] == [b"abc"] * count
    assert [stream.sent for stream in quay.streams[:count]] == [3] * count


async def test_what_does_not_leave_follows_and_the_next_time_it_is_given_back(quay: Quay) -> None:
    await quay.moor(3)
    assert quay.fan_out(quay.streams, b"a") == []
    assert quay.fan_out(quay.streams[1:2], LARGE) == []
    assert quay.streams[1].is_writing_paused
    assert quay.fan_out(quay.streams, b"z") == [quay.streams[1]]
    assert await quay.read(1, len(LARGE) + 1) == b"a" + LARGE
    await quay.ears[1].until(lambda: quay.ears[1].resumed == 1)
    assert quay.fan_out(quay.streams, b"b") == []
    assert await quay.read(1, 1) == b"b"
    assert [await quay.read(index, 3) for index in (0, 2)] == [b"azb"] * 2


async def test_who_waits_for_a_peer_below_high_water_is_given_back(quay: Quay) -> None:
    await quay.moor(2)
    stream = quay.streams[0]
    while not stream.is_held_up:
        stream.write(b"." * (WRITE_LIMIT // 2))
    written = stream.sent + stream.unsent
    assert quay.fan_out(quay.streams, b"abc") == [stream]
    assert stream.sent + stream.unsent == written
    assert not stream.is_writing_paused
    assert await quay.read(1, 3) == b"abc"
    assert await quay.read(0, written) == b"." * written


async def test_what_is_held_back_comes_before(quay: Quay) -> None:
    await quay.moor(2)
    quay.streams[0].cork()
    quay.streams[0].write(b"a")
    assert quay.fan_out(quay.streams, b"b") == []
    quay.streams[0].uncork()
    assert await quay.read(0, 2) == b"ab"


async def test_who_is_named_twice_gets_it_twice(quay: Quay) -> None:
    await quay.moor(1)
    assert quay.fan_out(quay.streams * 2, b"ab") == []
    assert await quay.read(0, 4) == b"abab"


async def test_a_stream_whose_peer_is_gone_is_lost_and_no_other(quay: Quay) -> None:
    await quay.moor(3)
    quay.ends[1].close()
    quay.fan_out(quay.streams, b"abc")
    assert quay.ears[1].losses == []
    await quay.ears[1].until(lambda: bool(quay.ears[1].losses or quay.ears[1].has_ended))
    assert [await quay.read(index, 3) for index in (0, 2)] == [b"abc"] * 2


async def test_a_stream_that_is_going_gets_nothing(quay: Quay) -> None:
    await quay.moor(3)
    quay.streams[0].abort()
    quay.streams[1].close()
    assert quay.fan_out(quay.streams, b"abc") == []
    assert await quay.read(2, 3) == b"abc"
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(HANG):
        assert [await loop.sock_recv(end, 3) for end in quay.ends[:2]] == [b"", b""]


async def test_from_inside_of_an_event_answers_keep_their_order(quay: Quay) -> None:
    await quay.moor(3)

    def answer(data: bytes) -> None:
        quay.streams[0].write(b"1")
        quay.fan_out(quay.streams, b"2")
        for stream in quay.streams:
            stream.write(b"3")

    quay.ears[0].when_received = answer
    quay.ends[0].send(b"go")
    assert await quay.read(0, 3) == b"123"
    assert [await quay.read(index, 2) for index in (1, 2)] == [b"23"] * 2
