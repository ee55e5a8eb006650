"""What every engine promises of a stream: bytes, back-pressure, and ends."""

from __future__ import annotations

import asyncio
import gc
import socket
import struct
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from tests.contracts.escapes import Escapes
from tests.engines.ear import WRITE_LIMIT, Ear, End, Harbour
from trunkline.engines.engine import Stream
from trunkline.testing.line import Line
from trunkline.testing.memory_engine import MemoryEngine

MIB = 1024 * 1024
PLENTY = 8 * MIB
"""Bytes that no socket buffer of loopback takes at once."""
NO_LINGER = struct.pack("ii", 1, 0)
"""Closing sends RST (RFC 9293 §3.10.4)."""


async def let_go(*ends: End) -> None:
    """Cut what is left of a test."""
    for end in ends:
        end.stream.abort()
        await end.ear.until(lambda end=end: bool(end.ear.losses) or end.stream.is_lost)


async def until_gone(end: End) -> None:
    """Wait until a stream has heard of the end, however that is told."""
    await end.ear.until(lambda: end.ear.has_ended or bool(end.ear.losses))


class RawEnd(asyncio.Protocol):
    """The client's end of a line in memory, where a socket would be."""

    def __init__(self, line: Line) -> None:
        self.line = line
        line.client.set_protocol(self)

    def sendall(self, data: bytes) -> None:
        self.line.client.write(data)


def raw_client(harbour: Harbour) -> socket.socket | RawEnd:
    """Connect a socket that no engine knows."""
    if isinstance(harbour.engine, MemoryEngine):
        return RawEnd(harbour.engine.dial(harbour.address))
    if harbour.address.path is not None:
        raw = socket.socket(socket.AF_UNIX)
        raw.connect(harbour.address.path)
        return raw
    return socket.create_connection((harbour.address.host, harbour.address.port))


def reset(raw: socket.socket | RawEnd) -> None:
    """Close a socket such that its peer gets an error."""
    if isinstance(raw, RawEnd):
        raw.line.cut()
        return
    if raw.family != socket.AF_UNIX:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
    raw.close()


def overfill(stream: Stream) -> int:
    """Write until that is paused, and give the number of bytes: TLS hides some from the count."""
    written = 0
    while not stream.is_writing_paused:
        stream.write(b"x" * PLENTY)
        written += PLENTY
    return written


async def hold_up(stream: Stream) -> int:
    """Write a little at a time until that waits for the peer, and give the number of bytes."""
    written = 0
    while not stream.is_held_up:
        stream.write(b"x" * (WRITE_LIMIT // 2))
        written += WRITE_LIMIT // 2
        await asyncio.sleep(0)
    return written


# Bytes


async def test_bytes_arrive_in_their_order_both_ways(harbour: Harbour) -> None:
    client, server = await harbour.pair()
    for piece in (b"a", b"", b"b", b"c" * 100_000, b"d"):
        client.stream.write(piece)
        server.stream.write(piece)
    for end in (client, server):
        await end.ear.until_data(b"ab" + b"c" * 100_000 + b"d")
        end.stream.close()
    for end in (client, server):
        assert await end.ear.until_lost() is None


async def test_what_waits_is_not_overtaken(harbour: Harbour) -> None:
    client, server = await harbour.pair()
    numbers = [b"%070d" % number for number in range(20_000)]
    server.stream.pause_reading()
    for number in numbers[:15_000]:
        client.stream.write(number)
    server.stream.resume_reading()
    await server.ear.until(lambda: server.ear.reads > 0)
    client.stream.cork()
    for number in numbers[15_000:]:
        client.stream.write(number)
    client.stream.uncork()
    await server.ear.until_data(b"".join(numbers))
    await let_go(client, server)


async def test_a_stream_may_change_its_receiver(harbour: Harbour) -> None:
    client, server = await harbour.pair()
    client.stream.write(b"a")
    await server.ear.until_data(b"a")
    server.stream.receiver = later = Ear()
    client.stream.write(b"b")
    await later.until_data(b"b")
    assert server.ear.data == b"a"
    client.stream.close()
    server.stream.close()
    await later.until_lost()
    await client.ear.until_lost()
    assert server.ear.losses == []


async def test_a_receiver_may_change_while_it_is_told(harbour: Harbour) -> None:
    client, server = await harbour.pair()
    later = Ear()

    def change(data: bytes) -> None:
        server.stream.receiver = later

    server.ear.when_received = change
    client.stream.write(b"a")
    await server.ear.until_data(b"a")
    client.stream.write(b"b")
    await later.until_data(b"b")
    await let_go(client, End(server.stream, later))


@pytest.mark.parametrize("pieces", [1, 64])
async def test_very_much_is_sent_both_ways_at_once(harbour: Harbour, pieces: int) -> None:
    client, server = await harbour.pair()
    size = PLENTY // pieces
    for number in range(pieces):
        client.stream.write(bytes([number]) * size)
        server.stream.write(bytes([255 - number]) * size)
    total = pieces * size
    await client.ear.until(lambda: len(client.ear.data) == total)
    await server.ear.until(lambda: len(server.ear.data) == total)
    assert server.ear.data == b"".join(bytes([number]) * size for number in range(pieces))
    assert client.ear.data == b"".join(bytes([255 - number]) * size for number in range(pieces))
    for end in (client, server):
        assert (end.stream.sent, end.stream.unsent) == (total, 0)
        assert not end.stream.is_writing_paused
    await let_go(client, server)


# Cork, gather


async def test_answers_to_one_read_leave_in_one_write(plain: Harbour) -> None:
    client, server = await plain.pair()

    def answer(data: bytes) -> None:
        server.stream.write(b"a")
        server.stream.write(b"b")
        assert server.stream.unsent == 2

    server.ear.when_received = answer
    client.stream.write(b"question")
    await client.ear.until_data(b"ab")
    assert client.ear.reads == 1
    assert server.stream.unsent == 0
    await let_go(client, server)


async def test_what_is_corked_leaves_together(clear: Harbour) -> None:
    client, server = await clear.pair()
    client.stream.cork()
    client.stream.cork()
    client.stream.write(b"a")
    client.stream.write(b"b")
    assert (client.stream.unsent, client.stream.sent) == (2, 0)
    client.stream.uncork()
    await server.ear.until_data(b"ab")
    assert server.ear.reads == 1
    assert (client.stream.unsent, client.stream.sent) == (0, 2)
    client.stream.uncork()
    client.stream.write(b"c")
    await server.ear.until_data(b"abc")
    await let_go(client, server)


async def test_what_is_gathered_leaves_together_a_moment_later(clear: Harbour) -> None:
    client, server = await clear.pair()
    client.stream.gather()
    client.stream.gather()
    client.stream.write(b"a")
    client.stream.write(b"b")
    assert client.stream.unsent == 2
    await server.ear.until_data(b"ab")
    assert server.ear.reads == 1
    client.stream.write(b"c")
    await server.ear.until_data(b"abc")
    await let_go(client, server)


async def test_gathering_while_one_is_told_loses_nothing(harbour: Harbour) -> None:
    client, server = await harbour.pair()

    def answer(data: bytes) -> None:
        server.stream.gather()
        server.stream.write(data.upper())

    server.ear.when_received = answer
    client.stream.write(b"a")
    await client.ear.until_data(b"A")
    server.stream.write(b"later")
    await client.ear.until_data(b"Alater")
    await let_go(client, server)


async def test_an_abort_while_gathering_is_no_mistake(harbour: Harbour) -> None:
    client, server = await harbour.pair()
    client.stream.gather()
    client.stream.write(b"never")
    await let_go(client)
    await until_gone(server)
    assert server.ear.data == b""
    await let_go(server)


async def test_more_than_high_water_is_not_held_back(harbour: Harbour) -> None:
    client, server = await harbour.pair()
    client.stream.cork()
    for _ in range(WRITE_LIMIT // 1024):
        client.stream.write(b"a" * 1024)
    assert client.stream.unsent == WRITE_LIMIT
    client.stream.write(b"b")
    await server.ear.until_data(b"a" * WRITE_LIMIT + b"b")
    client.stream.write(b"c")
    client.stream.uncork()
    await server.ear.until_data(b"a" * WRITE_LIMIT + b"bc")
    await let_go(client, server)


async def test_high_water_is_seen_by_whoever_is_corked(harbour: Harbour) -> None:
    client, server = await harbour.pair()
    server.stream.pause_reading()
    client.stream.cork()
    while not client.stream.is_writing_paused:
        client.stream.write(b"x" * 10_000)
    assert client.stream.unsent > WRITE_LIMIT
    client.stream.uncork()
    server.stream.resume_reading()
    await client.ear.until(lambda: client.ear.resumed > 0)
    await let_go(client, server)


# Back-pressure


async def test_writing_pauses_above_high_water_and_resumes_when_the_peer_reads(
    harbour: Harbour,
) -> None:
    client, server = await harbour.pair()
    server.stream.pause_reading()
    assert not client.stream.is_writing_paused
    client.stream.write(b"x" * PLENTY)
    client.stream.write(b"x" * PLENTY)
    assert client.stream.is_writing_paused
    assert client.stream.unsent > WRITE_LIMIT
    assert client.stream.sent + client.stream.unsent == 2 * PLENTY
    assert client.ear.resumed == 0
    server.stream.resume_reading()
    await client.ear.until(lambda: client.ear.resumed > 0)
    assert not client.stream.is_writing_paused
    await server.ear.until(lambda: len(server.ear.data) == 2 * PLENTY)
    assert client.ear.resumed == 1
    await let_go(client, server)


async def test_writing_pauses_early_when_it_is_asked_to(harbour: Harbour) -> None:
    client, server = await harbour.pair()
    client.stream.pause_early()
    assert not client.stream.is_held_up and not client.stream.is_writing_paused
    written = 0
    for times in range(3):
        server.stream.pause_reading()
        written += await hold_up(client.stream)
        assert not client.stream.is_writing_paused
        for _ in range(2):
            client.stream.pause_early()
            assert client.stream.is_writing_paused and client.stream.is_held_up
        assert client.ear.resumed == times
        server.stream.resume_reading()
        await client.ear.until(lambda times=times: client.ear.resumed == times + 1)
        assert not client.stream.is_writing_paused
        await server.ear.until(lambda written=written: len(server.ear.data) == written)
    await let_go(client, server)


async def test_what_was_written_before_an_early_pause_leaves_before_a_close(
    harbour: Harbour,
) -> None:
    client, server = await harbour.pair()
    server.stream.pause_reading()
    written = await hold_up(client.stream)
    client.stream.pause_early()
    client.stream.close()
    client.stream.pause_early()
    server.stream.resume_reading()
    await server.ear.until(lambda: len(server.ear.data) == written)
    assert await client.ear.until_lost() is None
    client.stream.pause_early()
    await let_go(server)


async def test_whoever_is_told_of_low_water_is_below_it_and_may_write(harbour: Harbour) -> None:
    client, server = await harbour.pair()
    unsent: list[int] = []
    resumed = client.ear.writing_resumed

    def write_more() -> None:
        unsent.append(client.stream.unsent)
        if len(unsent) < 5:
            overfill(client.stream)
        resumed()

    client.ear.writing_resumed = write_more  # type: ignore[method-assign]
    overfill(client.stream)
    await client.ear.until(lambda: client.ear.resumed == 5)
    assert max(unsent) <= WRITE_LIMIT // 4
    assert not client.stream.is_writing_paused
    await let_go(client, server)


async def test_nothing_arrives_while_reading_is_paused(harbour: Harbour) -> None:
    client, server = await harbour.pair()
    other_client, other_server = await harbour.pair()
    server.stream.pause_reading()
    client.stream.write(b"wait")
    for number in range(20):
        other_client.stream.write(b"!")
        await other_server.ear.until_data(b"!" * (number + 1))
    assert server.ear.data == b""
    server.stream.resume_reading()
    server.stream.resume_reading()
    await server.ear.until_data(b"wait")
    await let_go(client, server, other_client, other_server)


async def test_pausing_twice_needs_one_resuming(harbour: Harbour) -> None:
    client, server = await harbour.pair()
    server.stream.pause_reading()
    server.stream.pause_reading()
    server.stream.resume_reading()
    client.stream.write(b"a")
    await server.ear.until_data(b"a")
    await let_go(client, server)


async def test_a_reader_that_pauses_after_each_read_gets_everything(harbour: Harbour) -> None:
    client, server = await harbour.pair()
    loop = asyncio.get_running_loop()
    is_paused = False

    def resume() -> None:
        nonlocal is_paused
        is_paused = False
        server.stream.resume_reading()

    def pause(data: bytes) -> None:
        nonlocal is_paused
        is_paused = True
        server.stream.pause_reading()
        loop.call_soon(resume)

    server.ear.when_received = pause
    client.stream.write(b"x" * PLENTY)
    client.stream.write(b"the last words")
    client.stream.close()
    await server.ear.until_end()
    assert len(server.ear.data) == PLENTY + 14
    assert server.ear.data.endswith(b"the last words")
    await let_go(client, server)


async def test_whoever_pauses_while_it_is_told_hears_no_more(clear: Harbour) -> None:
    client, server = await clear.pair()
    others = await clear.pair()
    server.ear.when_received = lambda data: server.stream.pause_reading()
    client.stream.write(b"x" * PLENTY)
    await server.ear.until(lambda: server.ear.reads > 0)
    for number in range(20):
        others[0].stream.write(b"!")
        await others[1].ear.until_data(b"!" * (number + 1))
    assert server.ear.reads == 1
    await let_go(client, server, *others)


# The end


async def test_what_is_unsent_leaves_before_the_end(harbour: Harbour) -> None:
    client, server = await harbour.pair()
    client.stream.cork()
    client.stream.write(b"x" * PLENTY)
    client.stream.write(b"the last words")
    client.stream.close()
    await server.ear.until_end()
    assert len(server.ear.data) == PLENTY + 14
    assert server.ear.data.endswith(b"the last words")
    server.stream.close()
    assert await client.ear.until_lost() is None
    assert await server.ear.until_lost() is None


async def test_what_is_written_after_a_close_is_dropped(harbour: Harbour) -> None:
    client, server = await harbour.pair()
    client.stream.write(b"x" * PLENTY)
    client.stream.close()
    client.stream.write(b"too late")
    await server.ear.until_end()
    assert len(server.ear.data) == PLENTY
    assert client.stream.unsent == 0
    await let_go(client, server)


async def test_what_is_written_after_the_end_of_writing_is_dropped(harbour: Harbour) -> None:
    client, server = await harbour.pair()
    client.stream.write(b"x" * PLENTY)
    client.stream.end_writing()
    client.stream.write(b"too late")
    client.stream.cork()
    client.stream.write(b"too late")
    client.stream.uncork()
    client.stream.gather()
    client.stream.write(b"too late")
    await server.ear.until_end()
    assert len(server.ear.data) == PLENTY
    await let_go(client, server)


async def test_one_direction_can_end_before_the_other(clear: Harbour) -> None:
    client, server = await clear.pair()
    client.stream.cork()
    client.stream.write(b"question")
    client.stream.end_writing()
    client.stream.end_writing()
    await server.ear.until_end()
    assert server.ear.data == b"question"
    assert server.stream.has_ended and not server.stream.is_lost
    server.stream.write(b"answer")
    await client.ear.until_data(b"answer")
    server.stream.close()
    assert await server.ear.until_lost() is None
    await client.ear.until_end()
    client.stream.close()
    assert await client.ear.until_lost() is None
    assert client.stream.is_lost


async def test_both_directions_end_with_much_under_way(clear: Harbour) -> None:
    ends = await clear.pair()
    for end in ends:
        end.stream.write(b"x" * PLENTY)
        end.stream.end_writing()
    for end in ends:
        await end.ear.until_end()
        assert len(end.ear.data) == PLENTY
        end.stream.close()
    for end in ends:
        assert await end.ear.until_lost() is None


async def test_an_end_is_told_once_however_often_reading_pauses(clear: Harbour) -> None:
    client, server = await clear.pair()
    client.stream.end_writing()
    await server.ear.until_end()
    for _ in range(3):
        server.stream.pause_reading()
        server.stream.resume_reading()
        server.stream.write(b"!")
        await client.ear.until(lambda: bool(client.ear.data))
        client.ear.data.clear()
    await let_go(client, server)


async def test_tls_has_no_half_of_an_end(secure: Harbour) -> None:
    client, server = await secure.pair()
    client.stream.write(b"question")
    client.stream.end_writing()
    client.stream.end_writing()
    await server.ear.until_end()
    assert server.ear.data == b"question"
    assert await server.ear.until_lost() is None
    assert await client.ear.until_lost() is None


async def test_an_abort_is_a_loss_in_peace_here_and_never_told_from_inside(
    harbour: Harbour,
) -> None:
    client, server = await harbour.pair()
    client.stream.write(b"x" * PLENTY)
    client.stream.abort()
    assert client.ear.losses == []
    assert await client.ear.until_lost() is None
    await until_gone(server)
    await let_go(server)


async def test_a_close_that_cannot_flush_can_be_aborted(harbour: Harbour) -> None:
    client, server = await harbour.pair()
    server.stream.pause_reading()
    client.stream.write(b"x" * PLENTY)
    client.stream.close()
    client.stream.close()
    client.stream.abort()
    await client.ear.until_lost()
    await let_go(server)


async def test_a_reset_is_a_loss_by_an_error(plain: Harbour) -> None:
    raw = raw_client(plain)
    server = await plain.accepted()
    reset(raw)
    assert isinstance(await server.ear.until_lost(), ConnectionResetError)
    assert server.stream.is_lost


async def test_a_reset_while_much_is_unsent_is_a_loss_by_an_error(clear: Harbour) -> None:
    raw = raw_client(clear)
    server = await clear.accepted()
    server.stream.write(b"x" * PLENTY)
    assert server.stream.is_writing_paused
    reset(raw)
    assert isinstance(await server.ear.until_lost(), OSError)
    assert server.ear.resumed == 0


async def test_a_reset_is_heard_of_by_whoever_closes_slowly(clear: Harbour) -> None:
    raw = raw_client(clear)
    server = await clear.accepted()
    server.stream.write(b"x" * PLENTY)
    server.stream.close()
    reset(raw)
    await server.ear.until_lost()


CALLS = [
    "cork", "uncork", "gather", "pause_reading", "resume_reading", "end_writing", "close", "abort",
]  # fmt: skip


def call(stream: Stream, name: str) -> None:
    """Call a method; `write` with something to say."""
    if name == "write":
        stream.write(b"x" * PLENTY)
    else:
        getattr(stream, name)()


class Insider:
    """Calls a stream, and has its ear object to a loss that is told meanwhile."""

    def __init__(self, end: End) -> None:
        self._end = end
        self._is_inside = False
        told = end.ear.stream_lost

        def stream_lost(error: Exception | None) -> None:
            assert not self._is_inside
            told(error)

        end.ear.stream_lost = stream_lost  # type: ignore[method-assign]

    def call(self, *names: str) -> None:
        self._is_inside = True
        for name in names:
            call(self._end.stream, name)
        self._is_inside = False
        assert self._end.ear.losses == []


@pytest.mark.parametrize("name", ["write", *CALLS])
async def test_a_loss_is_never_told_from_inside_a_call(clear: Harbour, name: str) -> None:
    raw = raw_client(clear)
    server = await clear.accepted()
    reset(raw)
    Insider(server).call(name, "write", "abort")
    await server.ear.until_lost()


@pytest.mark.parametrize("name", ["write", *CALLS])
async def test_a_loss_is_never_told_from_inside_an_answer(clear: Harbour, name: str) -> None:
    raw = raw_client(clear)
    server = await clear.accepted()
    insider = Insider(server)

    def answer(data: bytes) -> None:
        reset(raw)
        insider.call(name, "write", "abort")

    server.ear.when_received = answer
    raw.sendall(b"question")
    await server.ear.until_lost()
    assert server.ear.reads == 1


async def test_whoever_aborts_while_it_is_told_hears_only_of_the_loss(harbour: Harbour) -> None:
    client, server = await harbour.pair()
    server.ear.when_received = lambda data: server.stream.abort()
    client.stream.write(b"x" * PLENTY)
    assert await server.ear.until_lost() is None
    assert server.ear.reads == 1 and not server.ear.has_ended
    await let_go(client)


async def test_whoever_closes_at_the_end_is_lost_in_peace(harbour: Harbour) -> None:
    client, server = await harbour.pair()
    ended = server.ear.end_received

    def end_received() -> None:
        ended()
        server.stream.close()

    server.ear.end_received = end_received  # type: ignore[method-assign]
    client.stream.close()
    assert await server.ear.until_lost() is None
    assert await client.ear.until_lost() is None


@pytest.mark.parametrize("name", ["close", "abort"])
async def test_one_receiver_may_end_all_the_others(clear: Harbour, name: str) -> None:
    pairs = [await clear.pair() for _ in range(20)]
    servers = [server for _, server in pairs]
    told: list[End] = []
    first = asyncio.Event()

    def end_others(this: End) -> Callable[[bytes], None]:
        def end(data: bytes) -> None:
            told.append(this)
            first.set()
            for other in servers:
                if other is not this:
                    call(other.stream, name)

        return end

    for server in servers:
        server.ear.when_received = end_others(server)
    # The events of all of them are there when the loop looks next.
    for client, _ in pairs:
        client.stream.write(b"go")
    await first.wait()
    for server in servers:
        if server not in told:
            await server.ear.until_lost()
    assert len(told) == 1
    await let_go(*(end for pair in pairs for end in pair if not end.stream.is_lost))


async def test_a_lost_stream_takes_every_call_in_peace(harbour: Harbour) -> None:
    for end in await harbour.pair():
        await let_go(end)
        for name in ("write", "cork", "write", *CALLS):
            call(end.stream, name)
        assert end.stream.unsent == 0
        assert len(end.ear.losses) == 1


async def test_what_is_held_back_at_an_abort_is_dropped(harbour: Harbour) -> None:
    client, server = await harbour.pair()
    client.stream.cork()
    client.stream.write(b"never")
    client.stream.abort()
    client.stream.uncork()
    assert client.stream.unsent == 0
    await client.ear.until_lost()
    await until_gone(server)
    assert server.ear.data == b""
    await let_go(server)


async def test_a_lost_stream_is_not_kept_alive(harbour: Harbour) -> None:
    client, server = await harbour.pair()
    gone = [weakref.ref(end.ear) for end in (client, server)]
    client.stream.close()
    server.stream.close()
    await client.ear.until_lost()
    await server.ear.until_lost()
    del client, server
    for _ in range(10):
        await asyncio.sleep(0)
    gc.collect()
    assert [ref() for ref in gone] == [None, None]


# Receivers that fail


def fail(*_: object) -> Any:
    raise LookupError("of the receiver")


@pytest.mark.parametrize(
    "method", ["bytes_received", "end_received", "writing_resumed", "stream_lost"]
)
async def test_a_receiver_that_fails_is_logged_and_touches_no_other_stream(
    harbour: Harbour, escapes: Escapes, method: str
) -> None:
    client, server = await harbour.pair()
    others = await harbour.pair()
    failed = asyncio.Event()

    def break_down(*_: object) -> None:
        failed.set()
        fail()

    setattr(server.ear, method, break_down)
    if method == "writing_resumed":
        overfill(server.stream)
    client.stream.write(b"x")
    others[0].stream.write(b"hello")
    if method != "writing_resumed":
        client.stream.close()
    if method == "stream_lost":
        await server.ear.until_end()
        server.stream.close()
    await failed.wait()
    await others[1].ear.until_data(b"hello")
    others[1].stream.write(b"hello")
    await others[0].ear.until_data(b"hello")
    client.stream.abort()
    await client.ear.until_lost()
    server.stream.abort()
    if method != "stream_lost":
        await server.ear.until_lost()
    await let_go(*others)
    assert LookupError in [type(error) for error in escapes.take()]


async def test_what_a_receiver_said_before_it_failed_is_not_kept_back(
    clear: Harbour, escapes: Escapes
) -> None:
    client, server = await clear.pair()

    def answer(data: bytes) -> None:
        server.stream.write(b"said before")
        fail()

    server.ear.when_received = answer
    client.stream.write(b"x")
    await client.ear.until_data(b"said before")
    await until_gone(client)
    await let_go(client, server)
    assert len(escapes.take()) == 1
