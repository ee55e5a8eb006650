"""Rates: at the limit nothing happens, one above it what was asked for; and idle connections."""

from __future__ import annotations

from typing import Any

import pytest

from tests.connection.memory_stream import Line, advance, end_of, open_line, rounds
from trunkline.connection.connection import Connection
from trunkline.connection.events import Events
from trunkline.connection.topic import Topic
from trunkline.errors import Closer, ConnectionClosedError, ConnectionClosedOK
from trunkline.limits import Excess, Rate
from trunkline.protocol.events import Close, Ping, Pong
from trunkline.protocol.role import Role

BURST = 5
LATE = 0.11
"""Seconds: two ticks, by which a deadline may be late."""
SLOW = Rate(1, per=10.0, burst=BURST)


class Ears(Events):
    def __init__(self) -> None:
        self.heard: list[str | bytes] = []

    def on_message(self, ws: Connection, data: str | bytes) -> None:
        self.heard.append(data)


def metered(**options: Any) -> tuple[Line, Ears]:
    """Open a line that is not pinged."""
    ears = Ears()
    return open_line(events=ears, **({"ping_interval": None} | options)), ears


def say(line: Line, count: int) -> None:
    """Let messages arrive in a read each, at once."""
    for number in range(count):
        line.peer.text(str(number))


# Pausing


async def test_the_message_above_the_burst_is_taken_and_then_nothing_is_read() -> None:
    line, ears = metered(message_rate=SLOW)
    say(line, BURST)
    assert not line.stream.is_reading_paused
    say(line, 3)
    assert line.stream.is_reading_paused and line.link.is_deaf
    assert len(ears.heard) == BURST + 1
    assert (line.link.traffic.paused, line.link.traffic.dropped) == (1, 0)
    await advance(line, 10.0 - LATE)
    assert len(ears.heard) == BURST + 1
    await advance(line, 2 * LATE)
    assert len(ears.heard) == BURST + 2
    await advance(line, 10.0 + 2 * LATE)
    assert ears.heard == ["0", "1", "2", "3", "4", "0", "1", "2"]


async def test_a_read_with_many_messages_is_paid_back_by_a_longer_pause() -> None:
    line, ears = metered(message_rate=SLOW)
    line.peer.text(*"abcdefgh")
    assert len(ears.heard) == 8
    line.peer.text("i")
    await advance(line, 30.0 - LATE)
    assert len(ears.heard) == 8
    await advance(line, 2 * LATE)
    assert len(ears.heard) == 9


async def test_bytes_are_limited_as_exactly() -> None:
    line, ears = metered(byte_rate=Rate(10, burst=70))
    for _ in range(10):
        line.peer.say(b"\x82\x81\0\0\0\0x")
    assert len(ears.heard) == 10 and not line.stream.is_reading_paused
    line.peer.say(b"\x82")
    assert line.stream.is_reading_paused
    line.peer.say(b"\x81\0\0\0\0x")
    await advance(line, 0.1 + LATE)
    assert len(ears.heard) == 11


@pytest.mark.parametrize("kind", ["ping", "pong", "empty"])
async def test_what_brings_nothing_is_limited_as_well(kind: str) -> None:
    line, ears = metered(control_rate=SLOW)
    line.peer.say(line.peer.endpoint.send_text("a", fin=False))

    def send() -> None:
        if kind == "empty":
            line.peer.say(line.peer.endpoint.send_continuation(b"", fin=False))
        else:
            getattr(line.peer, kind)()

    for _ in range(BURST):
        send()
    assert not line.stream.is_reading_paused
    send()
    assert line.stream.is_reading_paused
    await advance(line, 10.0 + LATE)
    line.peer.say(line.peer.endpoint.send_continuation(b"b", fin=True))
    assert ears.heard == ["ab"]
    pongs = [event for event in line.peer.heard if isinstance(event, Pong)]
    assert len(pongs) == (BURST + 1 if kind == "ping" else 0)


async def test_what_arrives_while_the_peer_waits_makes_it_wait_longer() -> None:
    line, ears = metered(message_rate=SLOW)
    say(line, BURST + 1)
    line.stream._receive(line.peer.endpoint.send_text("under way"))
    assert ears.heard[-1] == "under way"
    assert line.link.traffic.paused == 1
    await advance(line, 10.0 + LATE)
    assert line.stream.is_reading_paused
    await advance(line, 10.0 + LATE)
    assert not line.stream.is_reading_paused


# Three who may let the peer wait: user, inbox and rates


@pytest.mark.parametrize("first", ["user", "rate"])
async def test_user_and_rate_do_not_let_each_others_peer_go_on(first: str) -> None:
    line, ears = metered(message_rate=SLOW)
    say(line, BURST)
    if first == "user":
        line.connection.pause_reading()
        line.stream._receive(line.peer.endpoint.send_text("above"))
    else:
        say(line, 1)
        line.connection.pause_reading()
    assert line.stream.is_reading_paused
    line.connection.resume_reading()
    assert line.stream.is_reading_paused  # the rate's
    line.connection.pause_reading()
    await advance(line, 10.0 + LATE)
    assert line.stream.is_reading_paused  # the user's
    line.connection.resume_reading()
    assert not line.stream.is_reading_paused
    say(line, 1)
    assert len(ears.heard) == BURST + 2


@pytest.mark.parametrize("reads_first", [True, False])
async def test_an_inbox_that_is_full_is_another_matter(reads_first: bool) -> None:
    line = open_line(message_rate=SLOW, max_queue=BURST + 1, ping_interval=None)
    say(line, BURST + 1)
    assert line.link.is_reading_paused and line.link.meter is not None
    assert line.link.meter.is_holding
    steps = [lambda: rounds(), lambda: advance(line, 10.0 + LATE)]
    for _ in range(BURST + 1) if reads_first else ():
        await line.connection.recv()
    await steps[not reads_first]()
    assert line.stream.is_reading_paused
    for _ in range(BURST + 1) if not reads_first else ():
        await line.connection.recv()
    await steps[reads_first]()
    assert not line.stream.is_reading_paused


async def test_who_waits_because_of_a_rate_is_not_blamed_for_silence() -> None:
    line, ears = metered(message_rate=SLOW, ping_interval=20.0, ping_timeout=10.0)
    line.peer.text(*map(str, range(BURST + 30)))
    await advance(line, 290.0)
    assert not any(isinstance(event, Ping) for event in line.peer.heard)
    assert line.connection.state.name == "OPEN"
    await advance(line, 45.0)
    assert any(isinstance(event, Ping) for event in line.peer.heard)
    assert line.link.has_ended  # it did not answer that
    assert len(ears.heard) == BURST + 30


# Dropping


async def test_the_message_above_the_burst_is_dropped_and_told() -> None:
    told: list[Any] = []
    line, ears = metered(
        message_rate=SLOW, on_excess=Excess.DROP, when_dropped=lambda *what: told.append(what)
    )
    line.peer.text(*map(str, range(BURST + 2)))
    assert ears.heard == ["0", "1", "2", "3", "4"]
    assert told == [(line.connection, "5"), (line.connection, "6")]
    assert (line.link.traffic.dropped, line.link.traffic.messages_received) == (2, BURST)
    await advance(line, 10.0)
    line.peer.text("a", "b")
    assert ears.heard[BURST:] == ["a"]
    assert not line.stream.is_reading_paused


async def test_nobody_need_be_told_of_what_is_dropped() -> None:
    line, ears = metered(message_rate=SLOW, on_excess=Excess.DROP)
    say(line, BURST + 1)
    assert len(ears.heard) == BURST and line.link.traffic.dropped == 1


async def test_pings_above_the_rate_are_not_answered() -> None:
    line, _ = metered(control_rate=SLOW, on_excess=Excess.DROP)
    for _ in range(BURST + 3):
        line.peer.ping()
    assert line.peer.heard == [Pong(b"")] * BURST
    assert line.link.traffic.dropped == 3


async def test_bytes_cannot_be_dropped_and_the_peer_waits_for_them() -> None:
    line, ears = metered(byte_rate=Rate(1, burst=20), on_excess=Excess.DROP)
    line.peer.text("a", "b", "c")
    assert ears.heard == ["a", "b", "c"] and line.stream.is_reading_paused
    await advance(line, 1.0 + LATE)
    assert not line.stream.is_reading_paused
    assert line.link.traffic.dropped == 0


# Closing


@pytest.mark.parametrize("is_one_read", [True, False])
async def test_the_message_above_the_burst_closes(is_one_read: bool) -> None:
    line, ears = metered(message_rate=SLOW, on_excess=Excess.CLOSE)
    say(line, BURST - 1)
    line.peer.text("last")
    assert line.peer.closed is None
    for texts in ["above", "behind"] if not is_one_read else [("above", "behind")]:
        line.peer.text(*texts) if is_one_read else line.peer.text(str(texts))
    assert ears.heard[-1] == "last" and len(ears.heard) == BURST
    reason = "over 1 messages per 10 s, 5 at once"
    assert line.peer.closed == Close(1008, reason)
    assert (line.link.traffic.closed, line.link.traffic.dropped) == (1, 0)
    await advance(line, 10.0 + LATE)
    assert end_of(line) == (ConnectionClosedError, 1008, reason, Closer.LOCAL)


async def test_too_many_bytes_close_before_any_message_of_the_read() -> None:
    line, ears = metered(byte_rate=Rate(1_000, burst=13), on_excess=Excess.CLOSE)
    line.peer.text("a", "b")
    assert ears.heard == []
    assert line.peer.closed == Close(1008, "over 1,000 bytes per second, 13 at once")


@pytest.mark.parametrize("kind", ["ping", "pong"])
async def test_too_many_control_frames_close(kind: str) -> None:
    line, _ = metered(control_rate=SLOW, on_excess=Excess.CLOSE)
    for _ in range(BURST):
        getattr(line.peer, kind)()
    assert line.peer.closed is None
    getattr(line.peer, kind)()
    assert line.peer.closed == Close(1008, "over 1 control frames per 10 s, 5 at once")


@pytest.mark.parametrize("excess", [Excess.DROP, Excess.CLOSE])
async def test_empty_fragments_cannot_be_dropped(excess: Excess) -> None:
    line, ears = metered(control_rate=SLOW, on_excess=excess)
    send = line.peer.endpoint.send_continuation
    line.peer.say(line.peer.endpoint.send_text("a", fin=False), *[send(b"", fin=False)] * BURST)
    assert line.peer.closed is None
    line.peer.say(send(b"b", fin=True))
    assert ears.heard == ["ab"] and not line.link.is_deaf
    line.peer.say(line.peer.endpoint.send_text("", fin=False))
    if excess is Excess.DROP:
        assert line.link.is_deaf and line.peer.closed is None
    else:
        assert line.peer.closed == Close(1008, "over 1 control frames per 10 s, 5 at once")


# What is over is over


@pytest.mark.parametrize("excess", list(Excess))
async def test_who_has_said_goodbye_is_not_metered(excess: Excess) -> None:
    line, ears = metered(
        message_rate=SLOW, byte_rate=SLOW, control_rate=SLOW, on_excess=excess, close_timeout=5
    )
    line.connection.close_soon()
    for _ in range(3):
        line.peer.text(*map(str, range(BURST + 2)))
        line.peer.say(line.peer.endpoint.send_ping())
    assert ears.heard == [] and not line.stream.is_reading_paused
    line.peer.close()
    assert end_of(line)[:2] == (ConnectionClosedOK, 1000)
    assert (line.link.traffic.closed, line.link.traffic.dropped) == (0, 0)


async def test_a_goodbye_of_ours_ends_the_wait() -> None:
    line, _ = metered(message_rate=SLOW)
    say(line, BURST + 1)
    line.connection.close_soon()
    assert not line.stream.is_reading_paused
    line.peer.close()
    assert end_of(line)[1] == 1000
    assert len(line.engine.timers) == 1  # of the end of the stream


async def test_a_goodbye_of_ours_ends_the_users_wait_too() -> None:
    line, _ = metered(message_rate=SLOW)
    say(line, BURST + 1)
    line.connection.pause_reading()
    line.connection.close_soon()
    assert not line.stream.is_reading_paused


async def test_a_goodbye_in_the_read_that_was_too_much_is_answered() -> None:
    line, _ = metered(message_rate=SLOW)
    texts = map(line.peer.endpoint.send_text, "abcdefgh")
    line.peer.say(*texts, line.peer.endpoint.send_close(1000))
    assert line.peer.closed == Close(1000, "")
    assert not line.stream.is_reading_paused


async def test_a_mistake_in_the_read_that_was_too_much_is_answered() -> None:
    line = open_line(message_rate=SLOW, ping_interval=None)
    line.peer.blunder(*map(line.peer.endpoint.send_text, "abcdefgh"))
    assert line.link.meter is not None and not line.link.meter.is_holding
    assert [await line.connection.recv() for _ in range(8)] == list("abcdefgh")
    with pytest.raises(ConnectionClosedError):
        await line.connection.recv()
    await rounds()
    assert line.peer.closed is not None and line.peer.closed.code == 1002


async def test_a_consumer_that_cuts_the_connection_hears_no_more_of_the_read() -> None:
    class Cutting(Ears):
        def on_message(self, ws: Connection, data: str | bytes) -> None:
            super().on_message(ws, data)
            ws.abort()

    ears = Cutting()
    line = open_line(events=ears, message_rate=SLOW)
    line.peer.text(*map(str, range(BURST + 2)))
    assert ears.heard == ["0"]
    await rounds()
    assert len(line.engine.timers) == 0


async def test_a_loss_ends_every_timer() -> None:
    line, _ = metered(message_rate=SLOW, idle_timeout=60.0)
    say(line, BURST + 1)
    line.stream.lose(None)
    assert len(line.engine.timers) == 0
    assert not line.link.is_deaf


async def test_what_came_behind_the_handshake_counts() -> None:
    whole = b"".join(b"\x81\x81\0\0\0\0x" for _ in range(BURST + 1))
    line = open_line(message_rate=SLOW, received=whole)
    assert line.stream.is_reading_paused


# Idle connections

IDLE = 60.0
QUARTER = IDLE / 4


async def test_a_connection_without_a_message_is_closed() -> None:
    line, _ = metered(idle_timeout=IDLE)
    await advance(line, IDLE - LATE)
    assert line.peer.closed is None
    await advance(line, 2 * LATE)
    closed = line.peer.closed
    assert closed is not None and closed.code == 1001
    assert closed.reason in (
        "no message for 60.0 s, limit 60 s",
        "no message for 60.1 s, limit 60 s",
    )
    line.peer.close(1001)
    assert end_of(line)[0] is ConnectionClosedOK


async def test_a_message_of_the_peers_begins_the_time_anew() -> None:
    line, _ = metered(idle_timeout=IDLE)
    await advance(line, IDLE - 1)
    line.peer.text("here")
    await advance(line, IDLE - LATE)
    assert line.peer.closed is None
    await advance(line, 2 * LATE)
    assert line.peer.closed is not None


def to_one(line: Line) -> None:
    line.connection.send_soon("there")


def to_all(line: Line) -> None:
    topic = Topic()
    topic.subscribe(line.connection)
    topic.publish("there")


@pytest.mark.parametrize("send", [to_one, to_all])
async def test_a_message_to_the_peer_does_so_too_within_a_quarter(send: Any) -> None:
    line, _ = metered(idle_timeout=IDLE)
    await advance(line, IDLE - 1)
    send(line)
    await rounds()
    await advance(line, IDLE - LATE)
    assert line.peer.closed is None
    await advance(line, QUARTER + 2 * LATE)
    assert line.peer.closed is not None


@pytest.mark.parametrize("role", list(Role))
async def test_signs_of_life_are_no_messages(role: Role) -> None:
    line = open_line(role, events=Ears(), idle_timeout=IDLE, ping_interval=5.0)
    for _ in range(int(IDLE)):
        line.peer.ping(b"x")
        line.peer.pong()
        line.connection.ping()
        await line.connection.pong()
        await advance(line, 1.0)
    await advance(line, LATE)
    assert line.peer.closed is not None


async def test_a_pause_of_a_rate_is_followed_by_looks_again() -> None:
    line, _ = metered(idle_timeout=IDLE, message_rate=SLOW)
    say(line, BURST + 1)
    await advance(line, IDLE - 1)
    assert line.peer.closed is None
    await advance(line, 1 + LATE)
    assert line.peer.closed is not None


async def test_who_is_leaving_is_not_told_to_leave() -> None:
    line, _ = metered(idle_timeout=IDLE, close_timeout=None)
    meter = line.link.meter
    assert meter is not None
    line.connection.close_soon()
    meter.fire()  # as where both fall due in one turn of the wheel
    assert len(line.engine.timers) == 0
