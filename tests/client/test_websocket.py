"""The browser's WebSocket: its states, its rules and the order of its events."""

import asyncio
from socket import create_server
from typing import Any

import pytest

from tests.client.scripted import REFUSAL, answering, hang, read_head, scripted, switching
from trunkline import (
    CloseEvent,
    ConnectionClosedError,
    ErrorEvent,
    Event,
    InvalidAccess,
    InvalidState,
    InvalidStatus,
    InvalidURI,
    MessageEvent,
    Server,
    ServerConnection,
    State,
    WebSocket,
    serve,
)

HANG_SECONDS = 20.0


async def echo(ws: ServerConnection) -> None:
    async for message in ws:
        await ws.send(message)


def uri_of(server: Server, scheme: str = "ws") -> str:
    return f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


class Diary:
    """Notes the events of a socket, and its state at each."""

    def __init__(self, socket: WebSocket) -> None:
        self.events: list[Any] = []
        self.states: list[tuple[str, State]] = []
        for name in ("open", "message", "error", "close"):
            socket.add_event_listener(name, self.note)

    def note(self, event: Event) -> None:
        self.events.append(event)
        self.states.append((event.type, event.target.ready_state))

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.events]

    @property
    def end(self) -> tuple[int, str, bool]:
        event = self.events[-1]
        assert isinstance(event, CloseEvent)
        return event.code, event.reason, event.was_clean


async def closed(socket: WebSocket) -> None:
    async with asyncio.timeout(HANG_SECONDS):
        await socket.wait_closed()


async def opened(socket: WebSocket) -> None:
    event = asyncio.Event()
    socket.add_event_listener("open", lambda _: event.set(), once=True)
    async with asyncio.timeout(HANG_SECONDS):
        await event.wait()


# A life


async def test_a_conversation_as_in_a_tutorial() -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        socket = WebSocket(uri_of(server))
        diary = Diary(socket)
        socket.add_event_listener("open", lambda event: socket.send("Hello Server!"))
        socket.add_event_listener("message", lambda event: socket.close(1000, "done"))
        await closed(socket)
    assert diary.types == ["open", "message", "close"]
    message = diary.events[1]
    assert isinstance(message, MessageEvent)
    assert (message.data, message.origin, message.target) == (
        "Hello Server!",
        socket.url,
        socket,
    )
    assert diary.end == (1000, "done", True)


async def test_ready_state_tells_how_far_it_is() -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        socket = WebSocket(uri_of(server))
        diary = Diary(socket)
        assert socket.ready_state == WebSocket.CONNECTING == 0
        await opened(socket)
        assert socket.ready_state == WebSocket.OPEN == 1
        socket.close()
        assert socket.ready_state == WebSocket.CLOSING == 2
        await closed(socket)
        assert socket.ready_state == WebSocket.CLOSED == 3
    assert diary.states == [("open", State.OPEN), ("close", State.CLOSED)]


async def test_what_was_agreed_on_is_known_once_it_is_open() -> None:
    async with serve(echo, "127.0.0.1", 0, subprotocols=["chat"]) as server:
        socket = WebSocket(uri_of(server), ["other", "chat"])
        assert (socket.protocol, socket.extensions) == ("", "")
        await opened(socket)
        assert socket.protocol == "chat"
        assert socket.extensions.startswith("permessage-deflate")
        socket.close()
        await closed(socket)
        assert socket.protocol == "chat"


async def test_one_protocol_may_be_named_without_a_list() -> None:
    async with serve(echo, "127.0.0.1", 0, subprotocols=["chat"]) as server:
        socket = WebSocket(uri_of(server), "chat", compression=None)
        await opened(socket)
        assert (socket.protocol, socket.extensions) == ("chat", "")
        socket.close()
        await closed(socket)


@pytest.mark.parametrize(
    ("given", "known"),
    [
        ("http://127.0.0.1:1/x", "ws://127.0.0.1:1/x"),
        ("HTTPS://127.0.0.1:1/x", "wss://127.0.0.1:1/x"),
        ("ws://127.0.0.1:1/x", "ws://127.0.0.1:1/x"),
    ],
)
async def test_http_addresses_become_websocket_addresses(given: str, known: str) -> None:
    socket = WebSocket(given)
    assert socket.url == known
    socket.close()
    await closed(socket)


@pytest.mark.parametrize("url", ["ftp://example.com/", "example.com", "", "ws://"])
async def test_another_address_is_refused_at_once(url: str) -> None:
    with pytest.raises(InvalidURI):
        WebSocket(url)


@pytest.mark.parametrize("protocols", [["a", "a"], ["a b"], [""]])
async def test_protocols_that_cannot_be_offered_are_refused_at_once(protocols: list[str]) -> None:
    with pytest.raises(ValueError):
        WebSocket("ws://127.0.0.1:1/", protocols)


def test_without_a_loop_there_is_no_socket() -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        WebSocket("ws://127.0.0.1:1/")


# Ends


async def test_a_server_that_cannot_be_reached_is_an_error_then_a_close() -> None:
    async with scripted(hang) as port:
        pass
    socket = WebSocket(f"ws://127.0.0.1:{port}/")
    diary = Diary(socket)
    await closed(socket)
    assert diary.states == [("error", State.CLOSED), ("close", State.CLOSED)]
    assert isinstance(diary.events[0], ErrorEvent)
    assert isinstance(diary.events[0].error, OSError)
    assert diary.end == (1006, "", False)


async def test_a_refusal_is_an_error_then_a_close() -> None:
    async with scripted(answering(REFUSAL)) as port:
        socket = WebSocket(f"ws://127.0.0.1:{port}/")
        diary = Diary(socket)
        await closed(socket)
    assert diary.types == ["error", "close"]
    assert isinstance(diary.events[0].error, InvalidStatus)
    assert diary.end == (1006, "", False)


@pytest.mark.parametrize("steps", [0, 1, 5])
async def test_closing_while_connecting_is_an_error_then_a_close(steps: int) -> None:
    with create_server(("127.0.0.1", 0)) as silent:  # the kernel takes clients in
        socket = WebSocket(f"ws://127.0.0.1:{silent.getsockname()[1]}/")
        diary = Diary(socket)
        for _ in range(steps):
            await asyncio.sleep(0)
        socket.close(3000, "never mind")
        socket.close()
        assert socket.ready_state == WebSocket.CLOSING
        assert diary.types == []
        await closed(socket)
    assert diary.types == ["error", "close"]
    assert isinstance(diary.events[0].error, InvalidState)
    assert diary.end == (1006, "", False)


async def test_closing_twice_and_after_the_end_does_no_harm() -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        socket = WebSocket(uri_of(server))
        diary = Diary(socket)
        await opened(socket)
        socket.close(3001)
        socket.close(3002)
        await closed(socket)
        socket.close(3003)
    assert diary.end == (3001, "", True)
    assert diary.types == ["open", "close"]


@pytest.mark.parametrize(
    ("arguments", "end"),
    [
        ((), (1005, "")),
        ((1000,), (1000, "")),
        ((3000,), (3000, "")),
        ((4999, "é" * 61 + "x"), (4999, "é" * 61 + "x")),
        ((None, "words"), (1000, "words")),
    ],
)
async def test_close_says_what_it_is_told(arguments: Any, end: tuple[int, str]) -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        socket = WebSocket(uri_of(server))
        diary = Diary(socket)
        await opened(socket)
        socket.close(*arguments)
        await closed(socket)
    assert diary.end == (*end, True)


@pytest.mark.parametrize("code", [-1, 0, 999, 1001, 1005, 1006, 1011, 2999, 5000])
async def test_close_refuses_codes_that_are_not_the_application_s(code: int) -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        socket = WebSocket(uri_of(server))
        await opened(socket)
        with pytest.raises(InvalidAccess, match=f"close code is {code}, it can be 1000 or 3000"):
            socket.close(code)
        assert socket.ready_state == WebSocket.OPEN
        socket.close()
        await closed(socket)


async def test_close_refuses_a_reason_that_is_too_long() -> None:
    socket = WebSocket("ws://127.0.0.1:1/")
    with pytest.raises(ValueError, match="close reason is 124 bytes, limit 123"):
        socket.close(1000, "é" * 62)
    assert socket.ready_state == WebSocket.CONNECTING
    socket.close()
    await closed(socket)


async def test_the_server_s_goodbye_is_clean() -> None:
    async def handler(ws: ServerConnection) -> None:
        await ws.close(4000, "bye")

    async with serve(handler, "127.0.0.1", 0) as server:
        socket = WebSocket(uri_of(server))
        diary = Diary(socket)
        await closed(socket)
    assert diary.types == ["open", "close"]
    assert diary.end == (4000, "bye", True)


async def test_a_lost_connection_is_an_error_then_1006() -> None:
    async def handler(ws: ServerConnection) -> None:
        ws.abort()

    async with serve(handler, "127.0.0.1", 0) as server:
        socket = WebSocket(uri_of(server))
        diary = Diary(socket)
        await closed(socket)
    assert diary.states == [
        ("open", State.OPEN),
        ("error", State.CLOSED),
        ("close", State.CLOSED),
    ]
    assert isinstance(diary.events[1].error, ConnectionClosedError)
    assert diary.end == (1006, "", False)


async def test_a_server_that_breaks_the_protocol_is_an_error_then_1006() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(switching(await read_head(reader)) + b"\x83\x00")
        await reader.read()

    async with scripted(script) as port:
        socket = WebSocket(f"ws://127.0.0.1:{port}/")
        diary = Diary(socket)
        await closed(socket)
    assert diary.types == ["open", "error", "close"]
    assert diary.end == (1006, "", False)


# Messages


@pytest.mark.parametrize(
    ("name", "kind"), [("bytes", bytes), ("bytearray", bytearray), ("memoryview", memoryview)]
)
async def test_binary_type_chooses_what_binary_comes_as(name: str, kind: type) -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        socket = WebSocket(uri_of(server))
        assert socket.binary_type == "bytes"
        socket.binary_type = name
        assert socket.binary_type == name
        diary = Diary(socket)
        await opened(socket)
        socket.send(b"\x00\xff")
        socket.on_message = lambda event: socket.close()
        await closed(socket)
    data = diary.events[1].data
    assert type(data) is kind
    assert bytes(data) == b"\x00\xff"


async def test_another_binary_type_is_refused() -> None:
    socket = WebSocket("ws://127.0.0.1:1/")
    with pytest.raises(ValueError, match="binary_type is 'blob', it can be bytes, bytearray"):
        socket.binary_type = "blob"
    socket.close()
    await closed(socket)


async def test_messages_that_arrive_after_close_are_dropped() -> None:
    async def burst(ws: ServerConnection) -> None:
        for number in range(3):
            ws.send_soon(str(number))
        await ws.wait_closed()

    async with serve(burst, "127.0.0.1", 0) as server:
        socket = WebSocket(uri_of(server))
        diary = Diary(socket)
        socket.add_event_listener("message", lambda event: socket.close())
        await closed(socket)
    assert diary.types == ["open", "message", "close"]
    assert diary.events[1].data == "0"


async def test_sending_before_it_is_open_is_refused() -> None:
    socket = WebSocket("ws://127.0.0.1:1/")
    with pytest.raises(InvalidState, match="not open yet: wait for the open event"):
        socket.send("too early")
    socket.close()
    await closed(socket)


async def test_what_is_sent_after_the_end_counts_and_goes_nowhere() -> None:
    received: list[Any] = []

    async def handler(ws: ServerConnection) -> None:
        received.extend([message async for message in ws])

    async with serve(handler, "127.0.0.1", 0) as server:
        socket = WebSocket(uri_of(server))
        assert socket.buffered_amount == 0
        await opened(socket)
        socket.send("sent")
        socket.close()
        before = socket.buffered_amount
        socket.send("äö")
        socket.send(bytearray(3))
        assert socket.buffered_amount == before + 4 + 3
        await closed(socket)
        socket.send(b"x")
        assert socket.buffered_amount == 4 + 3 + 1
    assert received == ["sent"]


async def test_what_is_no_message_is_refused_in_every_state() -> None:
    wrong: Any = 5
    async with serve(echo, "127.0.0.1", 0) as server:
        socket = WebSocket(uri_of(server))
        await opened(socket)
        with pytest.raises(TypeError):
            socket.send(wrong)
        socket.close()
        await closed(socket)
    assert socket.buffered_amount == 0


# Listeners


class Stage:
    """A socket that never opens, to dispatch its error and close events at will."""

    def __init__(self) -> None:
        self.socket = WebSocket("ws://127.0.0.1:1/")
        self.calls: list[str] = []

    def caller(self, name: str) -> Any:
        return lambda event: self.calls.append(name)

    async def end(self) -> list[str]:
        self.socket.close()
        await closed(self.socket)
        return self.calls


async def test_listeners_and_the_handler_are_called_in_the_order_of_their_coming() -> None:
    stage = Stage()
    stage.socket.add_event_listener("close", stage.caller("first"))
    stage.socket.on_close = stage.caller("handler")
    stage.socket.add_event_listener("close", stage.caller("last"))
    assert await stage.end() == ["first", "handler", "last"]


async def test_another_handler_takes_the_turn_of_the_one_before() -> None:
    stage = Stage()
    stage.socket.on_close = stage.caller("old")
    stage.socket.add_event_listener("close", stage.caller("listener"))
    stage.socket.on_close = new = stage.caller("new")
    assert stage.socket.on_close is new
    assert await stage.end() == ["new", "listener"]


async def test_a_handler_that_was_taken_away_comes_back_last() -> None:
    stage = Stage()
    stage.socket.on_close = stage.caller("handler")
    stage.socket.add_event_listener("close", stage.caller("listener"))
    stage.socket.on_close = None
    assert stage.socket.on_close is None
    stage.socket.on_close = stage.caller("handler")
    assert await stage.end() == ["listener", "handler"]


async def test_there_is_a_handler_for_each_type() -> None:
    calls: list[str] = []
    async with serve(echo, "127.0.0.1", 0) as server:
        socket = WebSocket(uri_of(server))
        assert [socket.on_open, socket.on_message, socket.on_error, socket.on_close] == [None] * 4

        def on_open(event: Event) -> None:
            calls.append("open")
            socket.send("x")

        def on_message(event: MessageEvent) -> None:
            calls.append("message")
            next(iter(server.connections)).abort()

        socket.on_open = on_open
        socket.on_message = on_message
        socket.on_error = lambda event: calls.append("error")
        socket.on_close = lambda event: calls.append("close")
        assert (socket.on_open, socket.on_message) == (on_open, on_message)
        assert None not in (socket.on_error, socket.on_close)
        await closed(socket)
    assert calls == ["open", "message", "error", "close"]


async def test_a_listener_is_added_once() -> None:
    stage = Stage()
    listener = stage.caller("listener")
    stage.socket.add_event_listener("close", listener)
    stage.socket.add_event_listener("close", listener)
    assert await stage.end() == ["listener"]


async def test_a_listener_that_was_removed_is_not_called() -> None:
    stage = Stage()
    listener = stage.caller("listener")
    stage.socket.add_event_listener("close", listener)
    stage.socket.remove_event_listener("close", listener)
    stage.socket.remove_event_listener("close", listener)
    assert await stage.end() == []


async def test_a_listener_may_remove_the_next_and_add_others_for_later() -> None:
    stage = Stage()
    doomed = stage.caller("doomed")

    def first(event: Event) -> None:
        stage.calls.append("first")
        stage.socket.remove_event_listener("close", doomed)
        stage.socket.add_event_listener("close", stage.caller("too late"))

    stage.socket.add_event_listener("close", first)
    stage.socket.add_event_listener("close", doomed)
    assert await stage.end() == ["first"]


async def test_once_is_once() -> None:
    calls: list[Any] = []
    async with serve(echo, "127.0.0.1", 0) as server:
        socket = WebSocket(uri_of(server))
        await opened(socket)
        socket.add_event_listener("message", lambda event: calls.append(event.data), once=True)
        for word in ("one", "two"):
            socket.send(word)
        socket.add_event_listener(
            "message", lambda event: socket.close() if event.data == "two" else None
        )
        await closed(socket)
    assert calls == ["one"]


async def test_listeners_may_be_coroutine_functions() -> None:
    done = asyncio.Event()
    data: list[Any] = []

    async def listener(event: MessageEvent) -> None:
        await asyncio.sleep(0)
        data.append(event.data)
        event.target.close()
        done.set()

    async with serve(echo, "127.0.0.1", 0) as server:
        socket = WebSocket(uri_of(server))
        socket.on_message = listener
        await opened(socket)
        socket.send("hello")
        await done.wait()
        await closed(socket)
    assert data == ["hello"]


async def test_what_listeners_raise_is_logged_and_stops_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ran = asyncio.Event()

    def broken(event: Event) -> None:
        raise RuntimeError("oh")

    async def broken_later(event: Event) -> None:
        ran.set()
        raise RuntimeError("oh")

    stage = Stage()
    stage.socket.add_event_listener("close", broken)
    stage.socket.add_event_listener("close", broken_later)
    stage.socket.add_event_listener("close", stage.caller("last"))
    assert await stage.end() == ["last"]
    await ran.wait()
    await asyncio.sleep(0)
    assert caplog.messages == ["listener for close events failed"] * 2


@pytest.mark.parametrize("method", ["add_event_listener", "remove_event_listener"])
async def test_another_type_of_event_is_refused(method: str) -> None:
    stage = Stage()
    with pytest.raises(ValueError, match="event type is 'opne', it can be open, message"):
        getattr(stage.socket, method)("opne", stage.caller("x"))
    await stage.end()
