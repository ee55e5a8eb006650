"""One native stream: order, back-pressure, ends; what a socket pair can show.

What every engine's streams promise is tests/contracts/test_engine.py.
"""

from __future__ import annotations

import asyncio
import gc
import random
import socket
import sys
import weakref
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contracts.twins import needs
from tests.engines.ear import HANG, Ear
from tests.native.line import Line, make_line
from trunkline import native

if native.AVAILABLE:
    from trunkline.native.poller import Poller
    from trunkline.native.stream import Stream

pytestmark = needs("stream")


@pytest.fixture
async def told() -> AsyncIterator[list[BaseException]]:
    """Collect what the loop is told of."""
    loop = asyncio.get_running_loop()
    errors: list[BaseException] = []
    loop.set_exception_handler(lambda _, context: errors.append(context["exception"]))
    yield errors
    loop.set_exception_handler(None)


# Order, whatever is done in whichever order

SIZES = st.sampled_from([0, 1, 100, 32_767, 32_768, 32_769, 65_535, 65_536, 65_537, 300_000])
STEPS = st.one_of(
    st.tuples(st.just("write"), SIZES),
    st.tuples(st.just("write"), st.integers(0, 2_000)),
    st.tuples(st.sampled_from(["cork", "uncork", "gather", "pause", "resume", "turn"])),
    st.tuples(st.just("peer reads"), st.integers(1, 200_000)),
    st.tuples(st.just("answer"), SIZES, st.integers(0, 2_000), SIZES),
)


class Journal:
    """Does steps on a stream, and checks after each that the sums are right."""

    def __init__(self, line: Line, seed: int) -> None:
        self.line = line
        self.noise = random.Random(seed)
        self.written = bytearray()
        self.seen = bytearray()
        line.ear.when_received = self.answer
        self.answers: list[tuple[int, ...]] = []

    def write(self, size: int) -> None:
        data = self.noise.randbytes(size)
        self.line.stream.write(data)
        self.written += data
        self.check()

    def answer(self, _: bytes) -> None:
        """Write from inside of the stream's own event."""
        while self.answers:
            for size in self.answers.pop(0):
                self.write(size)

    def check(self) -> None:
        stream = self.line.stream
        assert stream.unsent + stream.sent == len(self.written)
        assert stream.sent >= len(self.seen)

    async def do(self, step: tuple[Any, ...]) -> None:
        stream = self.line.stream
        match step:
            case ("write", size):
                self.write(size)
            case ("cork",):
                stream.cork()
            case ("uncork",):
                stream.uncork()
            case ("gather",):
                stream.gather()
            case ("pause",):
                stream.pause_reading()
            case ("resume",):
                stream.resume_reading()
            case ("turn",):
                await asyncio.sleep(0)
            case ("peer reads", size):
                self.seen += self.take(size)
            case ("answer", *sizes):
                self.answers.append(tuple(sizes))
                self.line.peer.send(b"?")
                await asyncio.sleep(0)
                await asyncio.sleep(0)
        self.check()

    def take(self, size: int) -> bytes:
        try:
            return self.line.peer.recv(size)
        except BlockingIOError:
            return b""

    async def finish(self) -> None:
        """Let the peer read to the end, and see that it has everything."""
        stream = self.line.stream
        stream.resume_reading()
        while self.answers:
            await asyncio.sleep(0)
        stream.uncork()
        stream.end_writing()
        while piece := await asyncio.get_running_loop().sock_recv(self.line.peer, 1 << 20):
            self.seen += piece
            self.check()
        assert self.seen == self.written
        assert stream.unsent == 0 and not stream.is_writing_paused


@given(steps=st.lists(STEPS, max_size=25), tcp=st.booleans(), seed=st.integers(0, 1000))
@settings(max_examples=150)
def test_the_peer_sees_what_was_written_in_any_order_of_steps(
    steps: list[tuple[Any, ...]], tcp: bool, seed: int
) -> None:
    async def play() -> None:
        poller = Poller(asyncio.get_running_loop())
        line = make_line(poller, tcp=tcp, write_limit=10_000)
        journal = Journal(line, seed)
        async with asyncio.timeout(HANG):
            for step in steps:
                await journal.do(step)
            await journal.finish()
        await line.end()
        poller.close()

    asyncio.run(play())


class Eager(Ear):
    """Writes as soon as it hears of low water."""

    def __init__(self) -> None:
        super().__init__()
        self.stream: Any = None
        self.when_resumed: Callable[[], None] | None = None

    def writing_resumed(self) -> None:
        super().writing_resumed()
        if self.when_resumed is not None:
            act, self.when_resumed = self.when_resumed, None
            act()


async def test_whoever_writes_at_low_water_inside_of_an_event_is_not_overtaken(
    poller: Any,
) -> None:
    ear = Eager()
    line = make_line(poller, write_limit=10, ear=ear)
    stream = line.stream
    while not stream.is_writing_paused:
        stream.write(bytes(1000))
    before = stream.sent + stream.unsent

    def answer(_: bytes) -> None:
        ear.when_resumed = lambda: stream.write(b"resumed ")
        seen.extend(line.peer_takes())  # now there is room
        stream.write(b"y" * 40_000)
        stream.write(b"last")

    seen = bytearray()
    ear.when_received = answer
    line.peer.send(b"?")
    await ear.until(lambda: ear.reads == 1)
    total = before + len(b"resumed ") + 40_000 + len(b"last")
    seen += await line.peer_reads(total - len(seen))
    assert seen[before:] == b"resumed " + b"y" * 40_000 + b"last"
    await line.end()


@pytest.mark.parametrize("way", ["close", "end_writing"])
async def test_what_is_written_at_low_water_does_not_keep_the_end_back(
    poller: Any, way: str
) -> None:
    ear = Eager()
    line = make_line(poller, write_limit=10, ear=ear)
    stream = line.stream
    while not stream.is_writing_paused:
        stream.write(bytes(1000))
    seen = bytearray()

    def answer(_: bytes) -> None:
        ear.when_resumed = lambda: stream.write(b"resumed")
        seen.extend(line.peer_takes())
        getattr(stream, way)()

    ear.when_received = answer
    line.peer.send(b"?")
    await ear.until(lambda: ear.reads == 1)
    async with asyncio.timeout(HANG):
        seen += await line.peer_reads(1 << 30)  # up to the end
    assert seen.endswith(b"resumed")
    await line.end()


# Back-pressure


async def test_low_water_is_told_once_for_each_high_water(poller: Any) -> None:
    line = make_line(poller, write_limit=10_000)
    for number in range(1, 4):
        line.stream.write(bytes(500_000))
        assert line.stream.is_writing_paused
        await line.peer_reads(500_000)
        await line.ear.until(lambda number=number: line.ear.resumed == number)
        assert not line.stream.is_writing_paused
    await line.end()


async def test_a_peer_that_hangs_up_while_reading_is_paused_wakes_nobody_again(
    poller: Any,
) -> None:
    line = make_line(poller)
    line.stream.pause_reading()
    line.peer.send(b"last words")
    line.peer.close()
    while len(poller):  # until the set is rid of it
        await asyncio.sleep(0)
    assert not line.ear.has_ended and not line.ear.losses
    line.stream.resume_reading()
    await line.ear.until_data(b"last words")
    await line.ear.until_end()
    await line.end()


async def test_a_write_to_a_peer_that_hung_up_while_paused_is_a_loss(poller: Any) -> None:
    line = make_line(poller)
    line.stream.pause_reading()
    line.peer.close()
    while len(poller):
        await asyncio.sleep(0)
    line.stream.write(b"x")
    assert isinstance(await line.ear.until_lost(), BrokenPipeError)


async def test_a_reset_with_much_unsent_and_reading_paused_is_a_loss(poller: Any) -> None:
    line = make_line(poller, tcp=True)
    line.stream.pause_reading()
    line.stream.write(bytes(30_000_000))
    assert line.stream.unsent
    line.reset()
    assert isinstance(await line.ear.until_lost(), ConnectionError)
    assert line.stream.unsent == 0


# Receivers that do as they like


async def test_a_stream_may_write_to_others_from_its_event(poller: Any) -> None:
    lines = [make_line(poller) for _ in range(3)]
    first = lines[0]

    def pass_on(data: bytes) -> None:
        for line in lines:
            line.stream.write(data[:1])
            line.stream.write(bytes(100_000))
            line.stream.write(data[1:])

    first.ear.when_received = pass_on
    first.peer.send(b"ab")
    for line in lines:
        assert await line.peer_reads(100_002) == b"a" + bytes(100_000) + b"b"
        await line.end()


@pytest.mark.parametrize("way", ["close", "abort"])
async def test_whoever_ends_others_in_a_batch_is_the_last_they_hear_of(
    poller: Any, way: str
) -> None:
    lines = [make_line(poller) for _ in range(20)]
    heard: list[Line] = []

    def end_others(line: Line) -> None:
        heard.append(line)
        for other in lines:
            getattr(other.stream, way)()

    for line in lines:
        line.ear.when_received = lambda _, line=line: end_others(line)
        line.peer.send(b"x")
    for line in lines:
        assert await line.ear.until_lost() is None
        line.peer.close()
    assert len(heard) == 1


@pytest.mark.parametrize("name", ["bytes_received", "end_received", "writing_resumed"])
async def test_a_receiver_that_fails_loses_its_stream_only(
    poller: Any, told: list[BaseException], name: str
) -> None:
    broken, sound = make_line(poller, write_limit=10), make_line(poller)

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    setattr(broken.ear, name, fail)
    if name == "writing_resumed":
        broken.stream.write(bytes(500_000))
        await broken.peer_reads(500_000)
    elif name == "end_received":
        broken.peer.shutdown(socket.SHUT_WR)
    else:
        broken.peer.send(b"x")
    sound.peer.send(b"x")
    await sound.ear.until_data(b"x")
    assert isinstance(await broken.ear.until_lost(), ZeroDivisionError)
    assert [type(error) for error in told] == [ZeroDivisionError]
    await sound.end()
    broken.peer.close()


async def test_a_receiver_that_fails_at_the_loss_is_told_of(
    poller: Any, told: list[BaseException]
) -> None:
    line = make_line(poller)

    def fail(error: Exception | None) -> None:
        raise ZeroDivisionError

    line.ear.stream_lost = fail
    line.stream.abort()
    while not told:
        await asyncio.sleep(0)
    assert [type(error) for error in told] == [ZeroDivisionError]
    assert line.stream.is_lost
    line.peer.close()


async def test_a_receiver_without_memory_to_take_the_loss_is_told_again(
    poller: Any, told: list[BaseException]
) -> None:
    line = make_line(poller)
    heard: list[Exception | None] = []

    def fail_first(error: Exception | None) -> None:
        heard.append(error)
        if len(heard) == 1:
            raise MemoryError

    line.ear.stream_lost = fail_first
    line.stream.abort()
    while not heard:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert heard == [None, None]
    assert told == []
    line.peer.close()


# Ends


async def test_both_halves_may_end_in_either_order(poller: Any) -> None:
    for mine_first in (True, False):
        line = make_line(poller)
        if mine_first:
            line.stream.end_writing()
            assert await line.peer_reads(1) == b""
            line.peer.send(b"still here")
            line.peer.shutdown(socket.SHUT_WR)
        else:
            line.peer.send(b"still here")
            line.peer.shutdown(socket.SHUT_WR)
            await line.ear.until_end()
            line.stream.write(b"me too")
            line.stream.end_writing()
            assert await line.peer_reads(100) == b"me too"
        await line.ear.until_data(b"still here")
        await line.ear.until_end()
        assert not line.ear.losses
        await line.end()


async def test_a_stream_that_was_dropped_closes_its_descriptor_once(poller: Any) -> None:
    line = make_line(poller)
    line.stream.pause_reading()
    peer, _ = line.peer, line.stream.get_extra_info("socket")
    peer.shutdown(socket.SHUT_RDWR)
    while len(poller):
        await asyncio.sleep(0)
    del line, _
    poller.close()
    gc.collect()  # a socket that is closed twice would warn
    assert peer.recv(1) == b""
    peer.close()


# The collector does not see streams: whatever they refer to, they have to let go


class Owner(Ear):
    """A receiver that keeps its stream."""

    stream: Any = None


def own_line(poller: Any) -> Line:
    line = make_line(poller, ear=Owner())
    line.ear.stream = line.stream
    return line


async def test_a_stream_that_is_lost_keeps_nobody(poller: Any) -> None:
    line = own_line(poller)
    gone = weakref.ref(line.ear)
    await line.end()
    assert line.stream.receiver is None
    del line
    gc.collect()
    assert gone() is None


async def test_a_stream_whose_receiver_has_failed_keeps_nobody(
    poller: Any, told: list[BaseException]
) -> None:
    class Failing(Owner):
        def bytes_received(self, data: bytes) -> None:
            raise ZeroDivisionError

    line = make_line(poller, ear=Failing())
    line.ear.stream = line.stream
    gone = weakref.ref(line.ear)
    line.peer.send(b"x")
    error = await line.ear.until_lost()
    assert told == [error]
    told.clear()
    line.peer.close()
    del line, error
    gc.collect()
    assert gone() is None


async def test_who_comes_after_the_loss_is_not_kept(poller: Any) -> None:
    line = make_line(poller)
    await line.end()
    line.stream.receiver = line.ear
    assert line.stream.receiver is None


@pytest.mark.parametrize("state", ["open", "paused", "hung up", "paused before it was open"])
async def test_a_closed_set_lets_go_of_its_streams(poller: Any, state: str) -> None:
    mine, peer = socket.socketpair()
    mine.setblocking(False)
    ear = Owner()
    ear.stream = Stream(poller, mine.detach(), ear, 1)
    if state.startswith("paused before"):
        ear.stream.pause_reading()
    ear.stream.open()
    if state in ("paused", "hung up"):
        ear.stream.pause_reading()
    if state == "hung up":
        peer.shutdown(socket.SHUT_RDWR)
        while len(poller):
            await asyncio.sleep(0)
    gone = weakref.ref(ear)
    del ear
    gc.collect()
    assert gone() is not None  # somebody may come and resume it
    poller.close()
    gc.collect()
    assert gone() is None
    assert peer.recv(1) == b""
    peer.close()


async def test_a_stream_that_was_never_open_ends_with_its_last_reference(poller: Any) -> None:
    mine, peer = socket.socketpair()
    stream = Stream(poller, mine.detach(), Ear(), 1)
    del stream
    assert peer.recv(1) == b""
    peer.close()


async def test_a_stream_has_no_head_for_the_collector(poller: Any) -> None:
    line = make_line(poller)
    assert not gc.is_tracked(line.stream) and sys.getsizeof(line.stream) <= 128
    await line.end()


async def test_nothing_is_written_in_peace(poller: Any) -> None:
    line = make_line(poller)
    line.stream.cork()
    line.stream.write(b"")
    line.stream.uncork()
    assert line.stream.unsent == line.stream.sent == 0
    await line.end()


@pytest.mark.parametrize("data", ["text", bytearray(b"x"), memoryview(b"x"), None])
async def test_only_bytes_are_written(poller: Any, data: Any) -> None:
    line = make_line(poller)
    with pytest.raises(TypeError):
        line.stream.write(data)
    await line.end()
