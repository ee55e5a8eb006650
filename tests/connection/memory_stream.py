"""An engine, a stream and a peer in memory: time and the network do what a test tells them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.engines.virtual_clock import VirtualClock
from trunkline.connection.connection import Connection
from trunkline.connection.events import Events
from trunkline.connection.link import Link
from trunkline.connection.setting import Setting
from trunkline.engines.engine import Receiver, Stream
from trunkline.engines.mask_keys import new_mask_key
from trunkline.engines.timers import TimerWheel
from trunkline.errors import Closer
from trunkline.limits import LOW_WATER_DIVISOR, Limits
from trunkline.protocol.deflate import PerMessageDeflate
from trunkline.protocol.endpoint import Endpoint
from trunkline.protocol.events import Close, Event, Failed
from trunkline.protocol.extensions import DeflateParameters
from trunkline.protocol.handshake import Agreement
from trunkline.protocol.role import Role

ROUNDS = 20
"""Turns of the loop in which every task that can go on has done so."""


async def rounds() -> None:
    """Let every task run until it waits for something that only the test can bring about."""
    for _ in range(ROUNDS):
        await asyncio.sleep(0)


class MemoryEngine:
    """Keeps a time that a test moves; it opens nothing."""

    def __init__(self) -> None:
        self.loop = asyncio._get_running_loop()
        self.clock = VirtualClock()
        self.timers = TimerWheel(self.clock.now, self.clock.wake_at)

    def now(self) -> float:
        return self.clock.time

    def call_soon(self, callback: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_soon(callback)


class MemoryStream:
    """A stream whose network is a test.

    Args:
        write_limit: high water in bytes.
        now: gives the time in seconds.
    """

    def __init__(self, write_limit: int, now: Callable[[], float]) -> None:
        self._now = now
        self.last_heard = now()
        self.receiver: Receiver
        self.is_writing_paused = False
        self.has_ended = False
        self.is_lost = False
        self.is_reading_paused = False
        self.not_sent: int | None = None
        """What the kernel was allowed to hold."""
        self.is_stalled = False
        """Whether the peer reads nothing, so that nothing leaves."""
        self.writes: list[bytes] = []
        """What left, a piece for each write."""
        self.writing_ended = False
        self.is_closing = False
        self.was_aborted = False
        self._write_limit = write_limit
        self._unsent: list[bytes] = []
        self._waiting: list[bytes | None] = []
        self._corked: list[bytes] | None = None

    # Called by the receiver

    @property
    def unsent(self) -> int:
        return sum(map(len, self._unsent)) + sum(map(len, self._corked or ()))

    @property
    def sent(self) -> int:
        return sum(map(len, self.writes))

    def write(self, data: bytes) -> None:
        if self.is_lost or self.is_closing:
            return
        if self._corked is not None:
            self._corked.append(data)
            return
        self._unsent.append(data)
        if not self.is_stalled:
            self._leave()
        if self.unsent > self._write_limit:
            self.is_writing_paused = True

    def cork(self) -> None:
        if self._corked is None:
            self._corked = []

    def uncork(self) -> None:
        held, self._corked = self._corked, None
        if held:
            self.write(b"".join(held))

    def gather(self) -> None:
        if self._corked is None:
            self.cork()
            asyncio.get_running_loop().call_soon(self.uncork)

    @property
    def is_held_up(self) -> bool:
        return self.is_writing_paused or bool(self._unsent)

    def limit_unsent(self, size: int) -> None:
        self.not_sent = size

    def pause_early(self) -> None:
        self.is_writing_paused |= self.is_held_up

    def pause_reading(self) -> None:
        self.is_reading_paused = True

    def resume_reading(self) -> None:
        self.is_reading_paused = False
        asyncio.get_running_loop().call_soon(self._deliver)

    def end_writing(self) -> None:
        self.writing_ended = True

    def close(self) -> None:
        self.is_closing = True
        if not self.unsent:
            self._lose_soon(None)

    def abort(self) -> None:
        self.is_closing = self.was_aborted = True
        self._unsent.clear()
        self._lose_soon(None)

    def get_extra_info(self, name: str) -> Any:
        return {"sockname": ("here", 1), "peername": ("there", 2)}.get(name)

    # Called by the test

    def stall(self) -> None:
        """Let nothing leave until `flow()`."""
        self.is_stalled = True

    def flow(self) -> None:
        """Let everything leave."""
        self.is_stalled = False
        self._leave()
        if self.is_writing_paused:
            self.is_writing_paused = False
            self.receiver.writing_resumed()
        if self.is_closing:
            self._lose_soon(None)

    def leave(self, pieces: int) -> None:
        """Let some writes leave, and stall again."""
        self.writes += self._unsent[:pieces]
        del self._unsent[:pieces]
        if self.is_writing_paused and self.unsent <= self._write_limit // LOW_WATER_DIVISOR:
            self.is_writing_paused = False
            self.receiver.writing_resumed()

    def arrive(self, data: bytes | None) -> None:
        """Let bytes arrive, or with `None` the peer's end."""
        self._waiting.append(data)
        self._deliver()

    def lose(self, error: Exception | None) -> None:
        """Lose the stream."""
        if not self.is_lost:
            self.is_lost = self.is_closing = True
            self.receiver.stream_lost(error)

    def _lose_soon(self, error: Exception | None) -> None:
        asyncio.get_running_loop().call_soon(self.lose, error)

    def _leave(self) -> None:
        self.writes += self._unsent
        self._unsent.clear()

    def _deliver(self) -> None:
        while self._waiting and not (self.is_reading_paused or self.is_closing):
            data = self._waiting.pop(0)
            if data is not None:
                self._receive(data)
            else:
                self.has_ended = True
                self.receiver.end_received()

    def _receive(self, data: bytes) -> None:
        self.last_heard = self._now()
        self.cork()
        try:
            self.receiver.bytes_received(data)
        finally:
            self.uncork()


class Peer:
    """The other side of a stream, with an endpoint of its own."""

    def __init__(self, stream: MemoryStream, role: Role, deflate: DeflateParameters | None) -> None:
        self.stream = stream
        extensions = [] if deflate is None else [PerMessageDeflate(role, deflate)]
        self.endpoint = Endpoint(role, Limits(max_size=None), extensions, new_mask_key)
        self._events: list[Event] = []
        self._seen = 0

    def say(self, *frames: bytes) -> None:
        """Send frames, all in one piece."""
        self.stream.arrive(b"".join(frames))

    def text(self, *texts: str) -> None:
        self.say(*map(self.endpoint.send_text, texts))

    def binary(self, *messages: bytes) -> None:
        self.say(*map(self.endpoint.send_binary, messages))

    def ping(self, payload: bytes = b"") -> None:
        self.say(self.endpoint.send_ping(payload))

    def pong(self, payload: bytes = b"") -> None:
        self.say(self.endpoint.send_pong(payload))

    def close(self, code: int | None = 1000, reason: str = "") -> None:
        self.say(self.endpoint.send_close(code, reason))

    def blunder(self, *before: bytes) -> None:
        """Break a rule, behind some frames: a reserved opcode (RFC 6455 §5.2)."""
        self.say(*before, bytes([0x83, 0x80 if self.endpoint._new_mask_key else 0]) + bytes(4))

    def hang_up(self) -> None:
        """End this direction of the stream."""
        self.stream.arrive(None)

    @property
    def heard(self) -> list[Event]:
        """What has come so far."""
        fresh = self.stream.writes[self._seen :]
        self._seen += len(fresh)
        self._events += self.endpoint.receive_bytes(b"".join(fresh))
        assert not any(isinstance(event, Failed) for event in self._events)
        return self._events

    @property
    def closed(self) -> Close | None:
        """The close frame that has come."""
        return next((event for event in self.heard if isinstance(event, Close)), None)


@dataclass
class Line:
    """A connection in memory, with both of its ends."""

    engine: MemoryEngine
    stream: MemoryStream
    connection: Connection
    peer: Peer

    @property
    def link(self) -> Link:
        return self.connection._link

    @property
    def clock(self) -> VirtualClock:
        return self.engine.clock


def make_line(
    role: Role = Role.SERVER,
    deflate: DeflateParameters | None = None,
    engine: MemoryEngine | None = None,
    when_lost: Callable[[Any], None] | None = None,
    when_dropped: Callable[[Any, Any], None] | None = None,
    when_timed: Callable[[float], None] | None = None,
    **limits: Any,
) -> Line:
    """Make a connection that is still to be opened; `role` is that of its own side."""
    engine = engine or MemoryEngine()
    chosen = Limits(**limits)
    stream = MemoryStream(chosen.write_limit, engine.now)
    logger = logging.getLogger("trunkline.test")
    told = (when_lost, when_dropped, when_timed)
    setting = Setting(engine, role, chosen, logger, *told)  # type: ignore[arg-type]
    connection = Connection(setting, stream)
    other = Role.CLIENT if role is Role.SERVER else Role.SERVER
    return Line(engine, stream, connection, Peer(stream, other, deflate))


def open_line(
    role: Role = Role.SERVER,
    events: Events | None = None,
    deflate: DeflateParameters | None = None,
    received: bytes = b"",
    **options: Any,
) -> Line:
    """Make a connection and open it."""
    line = make_line(role, deflate, **options)
    line.connection.open(Agreement(deflate=deflate), events, received)
    return line


def end_of(line: Line) -> tuple[type, int, str, Closer]:
    """Give how the connection ended: kind of error, code, reason, closer."""
    error = line.connection.closed()
    return type(error), error.code, error.reason, error.closer


async def advance(line: Line, seconds: float) -> None:
    """Let time pass, and all tasks run."""
    line.clock.advance(seconds)
    await rounds()


def is_a_stream(stream: MemoryStream) -> Stream:
    """Let the type checker compare the stream with its interface."""
    return stream
