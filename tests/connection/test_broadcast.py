"""One message to many connections: whoever can get it does, and nobody harms another."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from tests.connection.memory_stream import Line, end_of, open_line, rounds
from trunkline.connection.broadcast import broadcast
from trunkline.connection.connection import Connection
from trunkline.connection.events import Events
from trunkline.connection.state import State
from trunkline.errors import Closer, ConnectionClosedError, UsageError
from trunkline.protocol.events import Binary, Text
from trunkline.protocol.extensions import DeflateParameters, Direction
from trunkline.protocol.role import Role

FORGETTING = DeflateParameters(server=Direction(True, 12), client=Direction(True, 12))
REMEMBERING = DeflateParameters(server=Direction(), client=Direction())
LONG = "to everybody, " * 20


def connections(*lines: Line) -> list[Connection]:
    return [line.connection for line in lines]


async def test_everybody_gets_the_message() -> None:
    lines = [
        open_line(),
        open_line(),
        open_line(deflate=FORGETTING),
        open_line(deflate=REMEMBERING),
        open_line(Role.CLIENT),
        open_line(Role.CLIENT, deflate=FORGETTING),
    ]
    for message in (LONG, "short", b"bytes"):
        broadcast(connections(*lines), message)
    broadcast(connections(*lines), LONG, text=False, compress=False)
    wanted = [Text(LONG), Text("short"), Binary(b"bytes"), Binary(LONG.encode())]
    for line in lines:
        assert line.peer.heard == wanted


async def test_those_that_send_alike_share_one_frame() -> None:
    lines = [open_line(), open_line()]
    squeezed = [
        open_line(deflate=DeflateParameters(server=Direction(True, bits), client=Direction()))
        for bits in (12, 15)
    ]
    broadcast(connections(*lines, *squeezed), LONG)
    one, two = (line.stream.writes[0] for line in lines)
    assert one is two
    three, four = (line.stream.writes[0] for line in squeezed)
    assert three is four
    assert len(three) < len(one)


async def test_clients_mask_each_for_itself() -> None:
    lines = [open_line(Role.CLIENT), open_line(Role.CLIENT)]
    broadcast(connections(*lines), "hello")
    assert lines[0].stream.writes != lines[1].stream.writes


async def test_what_is_not_open_is_skipped() -> None:
    closing, closed, fine = open_line(), open_line(), open_line()
    closing.connection.close_soon()
    closed.connection.abort()
    await rounds()
    said = len(closing.stream.writes)
    broadcast(connections(closing, closed, fine), "hello")
    assert len(closing.stream.writes) == said
    assert closed.stream.writes == []
    assert fine.peer.heard == [Text("hello")]


async def test_a_generator_of_connections_will_do_and_nobody_at_all_as_well() -> None:
    lines = [open_line(), open_line()]
    broadcast((line.connection for line in lines), "hello")
    broadcast([], "nobody")
    assert [line.peer.heard for line in lines] == [[Text("hello")]] * 2


async def test_who_is_named_twice_gets_it_twice() -> None:
    line = open_line()
    broadcast([line.connection, line.connection], "hello")
    assert line.peer.heard == [Text("hello")] * 2


@pytest.mark.parametrize(
    ("message", "text", "error"),
    [(1, None, TypeError), (["a"], None, TypeError), ("\ud800", None, ValueError)],
)
async def test_what_is_no_message_is_refused_before_anything_is_sent(
    message: Any, text: bool | None, error: type[Exception]
) -> None:
    line = open_line()
    with pytest.raises(error):
        broadcast([line.connection], message, text=text)
    assert line.stream.writes == []


@pytest.mark.parametrize("wrong", [None, "ws", 5])
async def test_who_is_no_connection_is_refused_before_anything_is_sent(wrong: Any) -> None:
    line = open_line()
    with pytest.raises(TypeError) as caught:
        broadcast([line.connection, wrong], "hello")
    assert str(caught.value) == f"broadcast() takes connections, not {wrong!r}"
    assert line.stream.writes == []


async def test_a_slow_peer_keeps_its_order_until_it_is_given_up() -> None:
    slow, fine = open_line(write_limit=100, max_unsent=500), open_line()
    slow.stream.stall()
    for number in range(6):
        broadcast(connections(slow, fine), f"{number}" * 100)
    assert slow.connection.state is State.CLOSING
    assert end_of(slow) == (
        ConnectionClosedError,
        1013,
        "the peer does not read: 510 bytes unsent, limit 500",
        Closer.LOCAL,
    )
    assert len(fine.peer.heard) == 6


async def test_a_slow_peer_that_drains_has_lost_nothing() -> None:
    slow = open_line(write_limit=100)
    slow.stream.stall()
    for number in range(6):
        broadcast([slow.connection], f"{number}" * 100)
    slow.stream.flow()
    assert slow.peer.heard == [Text(f"{number}" * 100) for number in range(6)]


async def test_below_high_water_a_message_follows_what_waits_and_nobody_else_does() -> None:
    slow, fine = open_line(), open_line()
    slow.stream.stall()
    for number in range(3):
        broadcast(connections(slow, fine), f"{number}")
    assert not slow.stream.is_writing_paused
    assert slow.link.traffic.messages_sent == fine.link.traffic.messages_sent == 3
    assert slow.link.traffic.bytes_sent == fine.link.traffic.bytes_sent == 9
    slow.stream.flow()
    assert slow.peer.heard == fine.peer.heard == [Text(f"{number}") for number in range(3)]


async def test_another_thread_is_refused_before_anything_is_sent() -> None:
    line = open_line()
    with pytest.raises(UsageError, match="call_soon_threadsafe"):
        await asyncio.to_thread(broadcast, [line.connection], "hello")
    await asyncio.to_thread(broadcast, [], "nobody")
    assert line.stream.writes == []


@pytest.mark.parametrize("role", list(Role))
async def test_a_fragmented_message_is_not_broken_up(role: Role) -> None:
    line = open_line(role)
    go_on = asyncio.Event()

    async def fragments() -> Any:
        yield "one, "
        yield "two"
        await go_on.wait()

    sending = asyncio.create_task(line.connection.send(fragments()))
    await rounds()
    broadcast([line.connection], LONG)
    await rounds()
    assert line.peer.heard == []
    go_on.set()
    await sending
    assert line.peer.heard == [Text("one, two"), Text(LONG)]


async def test_a_connection_that_fails_is_cut_and_touches_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(data: bytes) -> None:
        raise OSError("broken")

    lines = [
        open_line(),
        open_line(),
        open_line(),
        open_line(Role.CLIENT),
        open_line(Role.CLIENT),
    ]
    for broken in (lines[1], lines[3]):
        monkeypatch.setattr(broken.stream, "write", fail)
    with caplog.at_level(logging.ERROR):
        broadcast(connections(*lines), "hello")
    heard = [len(line.peer.heard) for line in lines]
    assert heard == [1, 0, 1, 0, 1]
    assert lines[1].stream.was_aborted and lines[3].stream.was_aborted
    assert caplog.text.count("OSError: broken") == 2


async def test_a_callback_during_a_broadcast_may_close_another() -> None:
    """Where a peer drains while its message is written, its handler is called in between."""
    other = open_line()

    class CloseOther(Events):
        def on_drain(self, ws: Connection) -> None:
            other.connection.close_soon()

    slow = open_line(events=CloseOther(), write_limit=10)
    slow.stream.stall()
    slow.connection.send_soon("x" * 100)
    write = slow.stream.write

    def write_and_flow(data: bytes) -> None:
        write(data)
        slow.stream.flow()

    slow.stream.write = write_and_flow  # type: ignore[method-assign]
    broadcast(connections(slow, other), "hello")
    assert slow.peer.heard == [Text("x" * 100), Text("hello")]
    assert other.peer.heard[0] == Text("hello")
    assert other.peer.closed is not None


async def test_a_callback_during_a_broadcast_may_close_one_that_is_still_to_come() -> None:
    lines = [open_line(write_limit=10, events=None), open_line(write_limit=10)]
    for line in lines:
        line.stream.stall()
        line.connection.send_soon("x" * 100)
    write = lines[0].stream.write

    def write_and_close(data: bytes) -> None:
        write(data)
        lines[1].connection.close_soon()

    lines[0].stream.write = write_and_close  # type: ignore[method-assign]
    broadcast(connections(*lines), "hello")
    for line in lines:
        line.stream.flow()
    assert lines[0].peer.heard == [Text("x" * 100), Text("hello")]
    assert lines[1].peer.heard[0] == Text("x" * 100)
    assert lines[1].peer.closed is not None and len(lines[1].peer.heard) == 2
