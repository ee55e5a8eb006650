"""Reference and compiled meters decide alike, whatever comes and however much time passes."""

from __future__ import annotations

import asyncio
import time
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.connection.memory_stream import open_line
from tests.contracts.twins import needs
from tests.native.line import new_engine, talk
from trunkline.connection.connection import Connection
from trunkline.connection.events import Events
from trunkline.limits import Excess, Limits, Rate
from trunkline.protocol.frames import encode_frame
from trunkline.protocol.opcodes import Opcode
from trunkline.protocol.role import Role

pytestmark = needs("meter")

INTERVAL = 1e6
"""Seconds in which a token comes: what a test really takes is nothing beside it."""
KEY = b"\1\2\3\4"
KINDS = [Opcode.TEXT, Opcode.BINARY, Opcode.PING, Opcode.PONG]
BUCKETS = {"messages": "message_rate", "bytes": "byte_rate", "control": "control_rate"}

Read = list[bytes]
Script = list[Read | float]


class Diary(Events):
    def __init__(self) -> None:
        self.lines: list[Any] = []

    def on_message(self, ws: Connection, data: str | bytes) -> None:
        self.lines.append(data)

    def on_ping(self, ws: Connection, data: bytes) -> None:
        self.lines.append(("ping", data))

    def on_pong(self, ws: Connection, data: bytes) -> None:
        self.lines.append(("pong", data))


def draw_rate(random: Random, most: int) -> Rate | None:
    if random.random() < 0.3:
        return None
    return Rate(1, per=INTERVAL, burst=random.randrange(1, most))


def draw_read(random: Random) -> Read:
    """Draw whole messages and control frames; some messages begin with nothing."""
    frames = []
    for _ in range(random.randrange(1, 6)):
        kind = random.choice(KINDS)
        if kind in KINDS[:2] and random.random() < 0.3:
            frames.append(encode_frame(kind, b"", fin=False, mask_key=KEY))
            kind = Opcode.CONTINUATION
        frames.append(encode_frame(kind, b"x" * random.randrange(4), mask_key=KEY))
    return frames


def draw_script(random: Random) -> Script:
    script: Script = []
    for _ in range(random.randrange(1, 12)):
        if random.random() < 0.5:
            script.append(random.uniform(0.0, 5.0) * INTERVAL)
        else:
            script.append(draw_read(random))
    return script


def draw_limits(random: Random) -> dict[str, Any]:
    return {
        "message_rate": draw_rate(random, 8),
        "byte_rate": draw_rate(random, 100),
        "control_rate": draw_rate(random, 6),
        "on_excess": random.choice(list(Excess)),
        "ping_interval": None,
        "close_timeout": None,
    }


def outcome(diary: Diary, link: Any) -> tuple[Any, ...]:
    """Give all that can be seen of what a meter has decided so far."""
    traffic = link.traffic
    counts = (traffic.messages_received, traffic.dropped, traffic.paused, traffic.closed)
    ended = link.closed().reason if link.has_ended else None
    return counts, link.is_deaf, ended, tuple(diary.lines)


def play_reference(script: Script, limits: dict[str, Any]) -> list[Any]:
    """Let it arrive at the reference, whose clock stands still in between."""
    diary = Diary()
    line = open_line(events=diary, **limits)
    seen = []
    for step in script:
        if isinstance(step, float):
            line.clock.advance(step)
        elif not line.link.is_deaf:
            line.stream._receive(b"".join(step))
        seen.append(outcome(diary, line.link))
    return seen


async def age(engine: Any, meter: Any, limits: dict[str, Any], seconds: float) -> None:
    """Let a compiled meter remember everything as longer ago; end its pause if it is over."""
    owed = []
    for name, limit in BUCKETS.items():
        due = getattr(meter, name) - seconds / INTERVAL
        setattr(meter, name, due)
        if limits[limit] is not None:
            owed.append(due - time.monotonic() / INTERVAL - limits[limit].most)
    if meter.is_holding and max(owed) <= 0:
        engine.timers.set(meter, 0.0)
        while meter.is_holding:
            await asyncio.sleep(0)


async def play_native(script: Script, limits: dict[str, Any]) -> list[Any]:
    """Let it arrive on a socket; time passes by what the meter remembers being longer ago."""
    engine = new_engine()
    diary = Diary()
    one = talk(engine, Role.SERVER, diary, **limits)
    seen = []
    link = one.ws._link
    for step in script:
        if isinstance(step, float):
            if link.meter is not None:
                await age(engine, link.meter, limits, step)
        elif not link.is_deaf:
            before = link.traffic.bytes_received
            one.say(*step)
            while link.traffic.bytes_received == before and not link.has_ended:
                await asyncio.sleep(0)
        seen.append(outcome(diary, link))
    one.line.peer.close()
    one.ws.abort()
    await one.ws.wait_closed()
    engine.close()
    return seen


@settings(max_examples=max(100, settings().max_examples))
@given(seed=st.integers(0, 2**64))
def test_both_meters_decide_alike(seed: int) -> None:
    random = Random(seed)
    limits, script = draw_limits(random), draw_script(random)
    Limits(**limits)

    async def play_both() -> tuple[list[Any], list[Any]]:
        return play_reference(script, limits), await play_native(script, limits)

    expected, compiled = asyncio.run(play_both())
    assert compiled == expected


def test_scripts_are_of_every_kind() -> None:
    counts = {excess: 0 for excess in Excess}

    async def play(seed: int) -> None:
        random = Random(seed)
        limits, script = draw_limits(random), draw_script(random)
        seen = play_reference(script, limits)[-1]
        counts[limits["on_excess"]] += any(seen[0][1:])

    for seed in range(300):
        asyncio.run(play(seed))
    assert min(counts.values()) > 20
