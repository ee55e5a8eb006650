"""The event way: what is called, in which order, and what happens when a callback misbehaves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from tests.connection.memory_stream import Line, open_line, rounds
from trunkline.connection.connection import Connection
from trunkline.connection.events import Events
from trunkline.connection.state import State
from trunkline.errors import Closer, ConnectionClosed, UsageError
from trunkline.protocol.events import Close, Pong, Text

ALL = ["on_open", "on_message", "on_error", "on_close", "on_drain", "on_ping", "on_pong"]


class Recorder(Events):
    """Takes note of every call, and then does what a test wants."""

    def __init__(self, **actions: Callable[[Connection], object]) -> None:
        self._actions = actions
        self.calls: list[tuple[Any, ...]] = []

    def _note(self, name: str, ws: Connection, *args: object) -> None:
        self.calls.append((name, *args))
        if name in self._actions:
            self._actions[name](ws)

    def on_open(self, ws: Connection) -> None:
        self._note("on_open", ws)

    def on_message(self, ws: Connection, data: str | bytes) -> None:
        self._note("on_message", ws, data)

    def on_error(self, ws: Connection, error: Exception) -> None:
        self._note("on_error", ws, error)

    def on_close(self, ws: Connection, code: int, reason: str, was_clean: bool) -> None:
        self._note("on_close", ws, code, reason, was_clean)

    def on_drain(self, ws: Connection) -> None:
        self._note("on_drain", ws)

    def on_ping(self, ws: Connection, data: bytes) -> None:
        self._note("on_ping", ws, data)

    def on_pong(self, ws: Connection, data: bytes) -> None:
        self._note("on_pong", ws, data)

    @property
    def names(self) -> list[str]:
        return [call[0] for call in self.calls]


def fail(ws: Connection) -> None:
    raise LookupError("a bug of the user's")


async def finish(line: Line) -> None:
    """Let the peer say goodbye, and wait for the end."""
    line.peer.close(1000, "bye")
    line.peer.hang_up()
    await line.connection.wait_closed()


async def test_of_a_dismissed_peer_nothing_is_left_to_drop() -> None:
    recorder = Recorder()
    line = open_line(events=recorder)
    line.peer.text("a", "b")
    line.connection.dismiss(4000)
    assert recorder.names == ["on_open", "on_message", "on_message"]
    assert line.link.traffic.discarded == 0
    await finish(line)


# The order


async def test_the_life_of_a_connection_in_its_order() -> None:
    events = Recorder()
    line = open_line(events=events)
    line.peer.text("a")
    line.peer.binary(b"b")
    line.peer.ping(b"c")
    line.peer.pong(b"d")
    await finish(line)
    assert events.calls == [
        ("on_open",),
        ("on_message", "a"),
        ("on_message", b"b"),
        ("on_ping", b"c"),
        ("on_pong", b"d"),
        ("on_close", 1000, "bye", True),
    ]


async def test_nothing_needs_to_be_overridden() -> None:
    line = open_line(events=Events(), write_limit=1)
    line.stream.stall()
    line.connection.send_soon("a")
    line.stream.flow()
    line.peer.say(
        line.peer.endpoint.send_text("a"),
        line.peer.endpoint.send_ping(),
        line.peer.endpoint.send_pong(),
    )
    line.stream.lose(None)
    assert line.connection.state is State.CLOSED


async def test_bytes_behind_the_handshake_come_after_on_open() -> None:
    events = Recorder()
    hello = bytes([0x81, 0x82]) + bytes(4) + b"hi"
    open_line(events=events, received=hello)
    assert events.calls == [("on_open",), ("on_message", "hi")]


async def test_on_close_comes_when_the_stream_is_gone_and_once() -> None:
    events = Recorder()
    line = open_line(events=events)
    line.peer.close()
    assert events.names == ["on_open"]
    assert line.connection.state is State.CLOSING
    line.peer.hang_up()
    await rounds()
    assert events.names == ["on_open", "on_close"]


async def test_on_drain_tells_of_room_after_high_water() -> None:
    events = Recorder()
    line = open_line(events=events, write_limit=10)
    line.stream.stall()
    line.connection.send_soon(bytes(5))
    line.stream.flow()
    assert events.names == ["on_open"]
    line.stream.stall()
    line.connection.send_soon(bytes(50))
    line.stream.flow()
    assert events.names == ["on_open", "on_drain"]


async def test_on_drain_is_silent_once_the_connection_is_closing() -> None:
    events = Recorder()
    line = open_line(events=events, write_limit=10)
    line.stream.stall()
    line.connection.send_soon(bytes(50))
    line.connection.close_soon()
    line.stream.flow()
    assert events.names == ["on_open"]


async def test_recv_is_refused() -> None:
    line = open_line(events=Events())
    with pytest.raises(UsageError, match=r"go to on_message\(\), not to recv\(\)"):
        await line.connection.recv()


# The end


async def test_a_loss_is_an_error_and_1006() -> None:
    events = Recorder()
    line = open_line(events=events)
    line.clock.advance(5)
    line.stream.lose(ConnectionResetError("reset"))
    _, (name, error), close = events.calls
    assert name == "on_error"
    assert isinstance(error, ConnectionClosed)
    assert (error.code, error.closer, error.silence) == (1006, Closer.NOBODY, 5)
    assert close == ("on_close", 1006, "", False)


async def test_a_mistake_of_the_peers_is_an_error_and_1006_as_in_browsers() -> None:
    events = Recorder()
    line = open_line(events=events)
    line.peer.blunder(line.peer.endpoint.send_text("before"))
    assert isinstance(line.peer.closed, Close) and line.peer.closed.code == 1002
    line.peer.hang_up()
    await line.connection.wait_closed()
    assert events.names == ["on_open", "on_message", "on_error", "on_close"]
    assert events.calls[2][1].code == 1002
    assert events.calls[3] == ("on_close", 1006, "", False)


async def test_a_close_frame_with_an_error_code_is_a_clean_end() -> None:
    events = Recorder()
    line = open_line(events=events)
    line.peer.close(1011, "their bug")
    line.peer.hang_up()
    await line.connection.wait_closed()
    assert events.calls[1:] == [("on_close", 1011, "their bug", True)]


# Callbacks that raise


@pytest.mark.parametrize("name", ["on_open", "on_message", "on_ping", "on_pong", "on_drain"])
async def test_a_callback_that_raises_is_logged_and_closes_its_connection_with_1011(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    events, witness = Recorder(**{name: fail}), Recorder()
    line = open_line(events=events, write_limit=10)
    other = open_line(events=witness)
    if name == "on_drain":
        line.stream.stall()
        line.connection.send_soon(bytes(50))
        line.stream.flow()
    for one in (line, other):
        one.peer.say(
            one.peer.endpoint.send_ping(),
            one.peer.endpoint.send_pong(),
            one.peer.endpoint.send_text("a"),
        )
    assert line.peer.closed == Close(1011, "")
    assert [record.message for record in caplog.records] == [f"Recorder.{name} failed"]
    assert caplog.records[0].name == "trunkline.test"
    assert caplog.records[0].exc_info is not None
    assert other.connection.state is State.OPEN
    assert witness.names == ["on_open", "on_ping", "on_pong", "on_message"]
    await finish(line)
    assert events.names[-1] == "on_close"


async def test_messages_behind_a_failed_one_are_not_delivered() -> None:
    events = Recorder(on_message=fail)
    line = open_line(events=events)
    line.peer.text("a", "b")
    line.peer.text("c")
    assert events.calls == [("on_open",), ("on_message", "a")]


async def test_an_error_in_on_error_does_not_prevent_on_close(
    caplog: pytest.LogCaptureFixture,
) -> None:
    events = Recorder(on_error=fail, on_close=fail)
    line = open_line(events=events)
    line.stream.lose(None)
    assert events.names == ["on_open", "on_error", "on_close"]
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2
    assert line.connection.state is State.CLOSED


# Callbacks that act


def send_soon(ws: Connection) -> None:
    ws.send_soon("an answer")


def close(ws: Connection) -> None:
    ws.close_soon(4000, "enough")


def abort(ws: Connection) -> None:
    ws.abort()


async def test_answers_to_one_read_leave_in_one_write() -> None:
    line = open_line(events=Recorder(on_message=send_soon))
    line.peer.text("a", "b", "c")
    assert len(line.stream.writes) == 1
    assert line.peer.heard == [Text("an answer")] * 3


async def test_on_open_may_send_close_or_abort() -> None:
    sending = open_line(events=Recorder(on_open=send_soon))
    assert sending.peer.heard == [Text("an answer")]
    closing = open_line(events=Recorder(on_open=close))
    assert closing.peer.heard == [Close(4000, "enough")]
    aborting = open_line(events=Recorder(on_open=abort))
    await aborting.connection.wait_closed()
    assert aborting.connection.close_code == 1006


@pytest.mark.parametrize("action", [close, abort])
async def test_on_open_that_ends_it_all_keeps_messages_away(
    action: Callable[[Connection], None],
) -> None:
    events = Recorder(on_open=action)
    open_line(events=events, received=bytes([0x81, 0x80]) + bytes(4))
    assert events.names == ["on_open"]


@pytest.mark.parametrize("action", [close, abort])
async def test_nothing_is_delivered_behind_a_message_that_ended_it_all(
    action: Callable[[Connection], None],
) -> None:
    events = Recorder(on_message=action)
    line = open_line(events=events)
    line.peer.text("a", "b")
    line.peer.text("c")
    assert events.calls == [("on_open",), ("on_message", "a")]


@pytest.mark.parametrize("action", [close, abort])
@pytest.mark.parametrize("behind", ["close", "blunder", "ping", "pong", "text"])
async def test_whatever_is_behind_a_message_that_ended_it_all_does_no_harm(
    action: Callable[[Connection], None], behind: str
) -> None:
    events = Recorder(on_message=action)
    line = open_line(events=events)
    peer, endpoint = line.peer, line.peer.endpoint
    first = endpoint.send_text("a")
    match behind:
        case "close":
            peer.say(first, endpoint.send_close(1000))
        case "blunder":
            peer.blunder(first)
        case "ping":
            peer.say(first, endpoint.send_ping())
        case "pong":
            peer.say(first, endpoint.send_pong())
        case "text":
            peer.say(first, endpoint.send_text("b"))
    peer.hang_up()
    await line.connection.wait_closed()
    assert events.names[:2] == ["on_open", "on_message"]
    assert events.names.count("on_message") == events.names.count("on_close") == 1
    assert not any(isinstance(event, Pong) for event in line.peer.heard)


async def test_on_message_may_overrun_max_unsent_in_the_middle_of_a_read() -> None:
    events = Recorder(on_message=lambda ws: ws.send_soon(bytes(2_000)))
    line = open_line(events=events, max_unsent=1_000)
    line.peer.say(
        line.peer.endpoint.send_text("a"),
        line.peer.endpoint.send_text("b"),
        line.peer.endpoint.send_ping(),
        line.peer.endpoint.send_close(1000),
    )
    await line.connection.wait_closed()
    assert events.names == ["on_open", "on_message", "on_message", "on_error", "on_close"]
    assert events.calls[3][1].code == 1013


async def test_a_message_before_a_mistake_may_be_answered() -> None:
    line = open_line(events=Recorder(on_message=send_soon))
    line.peer.blunder(line.peer.endpoint.send_text("a"))
    assert [type(event).__name__ for event in line.peer.heard] == ["Text", "Close"]


async def test_a_message_before_a_goodbye_may_be_answered() -> None:
    line = open_line(events=Recorder(on_message=send_soon))
    line.peer.say(line.peer.endpoint.send_text("a"), line.peer.endpoint.send_close(1000))
    assert line.peer.heard == [Text("an answer"), Close(1000, "")]


async def test_on_close_may_close_and_abort_and_cannot_send() -> None:
    seen: list[object] = []

    def misuse(ws: Connection) -> None:
        ws.close_soon()
        ws.abort()
        ws.pause_reading()
        ws.resume_reading()
        seen.extend((ws.state, ws.close_code, ws.closed().closer))
        with pytest.raises(ConnectionClosed):
            ws.send_soon("too late")

    line = open_line(events=Recorder(on_close=misuse))
    await finish(line)
    assert seen == [State.CLOSED, 1000, Closer.PEER]


async def test_reading_can_be_paused_and_resumed() -> None:
    events = Recorder(on_message=lambda ws: ws.pause_reading())
    line = open_line(events=events)
    line.peer.text("a")
    line.peer.text("b")
    assert events.names.count("on_message") == 1
    line.connection.resume_reading()
    await rounds()
    assert events.calls[1:] == [("on_message", "a"), ("on_message", "b")]


async def test_another_connection_may_be_used_in_a_callback() -> None:
    other = open_line()
    line = open_line(events=Recorder(on_message=lambda _: other.connection.send_soon("relayed")))
    line.peer.text("a", "b")
    other.peer.close()
    line.peer.text("c")
    assert other.peer.heard == [Text("relayed"), Text("relayed"), Close(1000, "")]
    assert line.peer.closed == Close(1011, "")


async def test_a_task_begun_in_a_callback_is_told_of_the_end() -> None:
    tasks: list[asyncio.Task[object]] = []

    def ping(ws: Connection) -> None:
        tasks.append(asyncio.ensure_future(ws.ping()))

    line = open_line(events=Recorder(on_message=ping))
    line.peer.text("a")
    line.stream.lose(None)
    with pytest.raises(ConnectionClosed):
        await tasks[0]


def test_every_callback_is_tested() -> None:
    assert [name for name in vars(Events) if name.startswith("on_")] == ALL


def test_an_async_callback_is_refused_when_its_class_is_made() -> None:
    with pytest.raises(TypeError, match=r"Waiting\.on_message must not be async: events are not"):

        class Waiting(Events):
            async def on_message(self, ws: Connection, data: str | bytes) -> None:  # type: ignore[override]
                """Never awaited."""


def test_a_callback_with_a_yield_is_refused_when_its_class_is_made() -> None:
    with pytest.raises(TypeError, match=r"Counting\.on_message must not have a yield: nobody"):

        class Counting(Events):
            def on_message(self, ws: Connection, data: str | bytes) -> Any:
                yield 1

    with pytest.raises(TypeError, match=r"Waiting\.on_open must not have a yield: nobody"):

        class Waiting(Events):
            async def on_open(self, ws: Connection) -> Any:  # type: ignore[override]
                yield 1


async def test_on_message_is_looked_up_at_the_first_message() -> None:
    heard: list[str | bytes] = []

    class Choosing(Events):
        def on_open(self, ws: Connection) -> None:
            self.on_message = lambda ws, data: heard.append(data)  # type: ignore[method-assign]

    events = Choosing()
    line = open_line(events=events)
    line.peer.text("a")
    events.on_message = lambda ws, data: heard.append("too late")  # type: ignore[method-assign]
    line.peer.text("b")
    assert heard == ["a", "b"]
