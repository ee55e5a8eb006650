"""Three ways to connect, and the loop that comes back."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.client.scripted import HANG_SECONDS, REFUSAL, answering, scripted
from trunkline import (
    Backoff,
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    Decision,
    Deflate,
    InvalidStatus,
    InvalidURI,
    Limits,
    Server,
    ServerConnection,
    State,
    UsageError,
    connect,
    serve,
    unix_connect,
    unix_serve,
)

AT_ONCE = Backoff(first=0.0)

Step = Callable[[ServerConnection], Awaitable[None]]


async def echo(ws: ServerConnection) -> None:
    async for message in ws:
        await ws.send(message)


async def lose(ws: ServerConnection) -> None:
    ws.abort()


async def leave(ws: ServerConnection) -> None:
    """Return, which closes with 1000."""


def closing_with(code: int) -> Step:
    async def close(ws: ServerConnection) -> None:
        await ws.close(code)

    return close


def in_turn(*steps: Step) -> Step:
    """Treat each client in its own way."""
    upcoming = list(steps)

    async def handler(ws: ServerConnection) -> None:
        await upcoming.pop(0)(ws)

    return handler


def uri_of(server: Server) -> str:
    return f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


# Once


async def test_awaiting_gives_a_connection_to_close_oneself() -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        ws = await connect(uri_of(server))
        assert ws.state is State.OPEN
        await ws.close()
        assert ws.close_code == 1000


async def test_a_with_block_closes_at_its_end() -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        async with connect(uri_of(server)) as ws:
            assert ws.state is State.OPEN
        assert (ws.state, ws.close_code) == (State.CLOSED, 1000)


async def test_a_with_block_closes_after_an_error_too() -> None:
    codes = asyncio.Queue[int | None]()

    async def note_code(ws: ServerConnection) -> None:
        with pytest.raises(ConnectionClosedError):
            await ws.recv()
        codes.put_nowait(ws.close_code)

    async with serve(note_code, "127.0.0.1", 0) as server:
        with pytest.raises(RuntimeError, match="oh"):
            async with connect(uri_of(server)) as ws:
                raise RuntimeError("oh")
        assert ws.state is State.CLOSED
        assert await codes.get() == 1011


async def test_leaving_a_block_that_was_never_entered_does_nothing() -> None:
    await connect("ws://127.0.0.1:1/").__aexit__(None, None, None)


async def test_a_unix_socket_is_reached_by_its_path(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    async with unix_serve(echo, path), unix_connect(path, "ws://example.com/room") as ws:
        await ws.send("hello")
        assert await ws.recv() == "hello"
        assert ws.request is not None
        assert (ws.request.path, ws.request.headers["Host"]) == ("/room", "example.com")


@pytest.mark.parametrize(
    ("uri", "options", "kind", "problem"),
    [
        ("http://example.com/", {}, InvalidURI, "does not begin with ws:// or wss://"),
        ("ws://example.com/#x", {}, InvalidURI, "fragment"),
        ("ws://a/", {"ssl": ssl.create_default_context()}, ValueError, "ssl needs a wss://"),
        ("ws://a/", {"subprotocols": ["a b"]}, ValueError, "not the name of a subprotocol"),
        ("ws://a/", {"subprotocols": "chat"}, TypeError, "not one string"),
        ("ws://a/", {"compression": "zip"}, ValueError, "compression is 'zip'"),
        ("ws://a/", {"additional_headers": {"X": "a\r\nb"}}, ValueError, "value of header X"),
        ("ws://a/", {"max_sise": 1}, TypeError, "unexpected keyword argument 'max_sise'"),
        ("ws://a/", {"max_size": "1"}, TypeError, "max_size is a whole number"),
        ("ws://a/", {"ping_interval": -1}, ValueError, "must not be negative"),
    ],
)
def test_arguments_that_cannot_be_meant_are_refused(
    uri: str, options: Any, kind: type[Exception], problem: str
) -> None:
    with pytest.raises(kind, match=problem):
        connect(uri, **options)


async def head_of(**options: Any) -> dict[str, str]:
    """Give the head of the request that is made from `options`."""
    seen: list[dict[str, str]] = []
    async with scripted(answering(REFUSAL, seen=seen)) as port:
        with pytest.raises(InvalidStatus):
            await connect(f"ws://127.0.0.1:{port}/", **options)
    return seen[0]


async def test_options_become_headers() -> None:
    head = await head_of(
        origin="https://example.com",
        subprotocols=["a", "b"],
        compression=Deflate(client_max_window_bits=9),
        additional_headers=[("X-One", "1"), ("X-Two", "2")],
        user_agent_header="me/1",
    )
    assert head["Origin"] == "https://example.com"
    assert head["Sec-WebSocket-Protocol"] == "a, b"
    assert "client_max_window_bits=9" in head["Sec-WebSocket-Extensions"]
    assert (head["X-One"], head["X-Two"], head["User-Agent"]) == ("1", "2", "me/1")


async def test_what_is_not_wanted_is_not_sent() -> None:
    head = await head_of(compression=None, user_agent_header=None)
    assert set(head) == {
        "",
        "Host",
        "Upgrade",
        "Connection",
        "Sec-WebSocket-Key",
        "Sec-WebSocket-Version",
    }


async def test_by_default_compression_is_offered_and_the_program_named() -> None:
    head = await head_of()
    assert head["Sec-WebSocket-Extensions"].startswith("permessage-deflate")
    assert head["User-Agent"].startswith("trunkline/")


async def test_limits_and_single_options_reach_the_connection() -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        connecting = connect(uri_of(server), limits=Limits(max_size=5), max_size=3)
        async with connecting as ws:
            await ws.send("four")
            with pytest.raises(ConnectionClosedError, match="message is 4 bytes, limit 3"):
                await ws.recv()


async def test_a_block_that_fails_says_so_to_the_server() -> None:
    codes = asyncio.Queue[int | None]()

    async def listen(ws: ServerConnection) -> None:
        async for _ in ws:
            """Nothing is sent."""
        codes.put_nowait(ws.close_code)

    async def note_end(ws: ServerConnection) -> None:
        try:
            await listen(ws)
        except ConnectionClosedError as closed:
            codes.put_nowait(closed.code)

    async with serve(note_end, "127.0.0.1", 0) as server:
        with pytest.raises(ZeroDivisionError):
            async with connect(uri_of(server)):
                raise ZeroDivisionError
        assert await codes.get() == 1011


# Again and again


async def test_a_socket_cannot_be_connected_with_again_and_again() -> None:
    with socket.socket() as sock, pytest.raises(UsageError, match="once"):
        async for _ in connect("ws://127.0.0.1/", sock=sock):
            raise AssertionError


async def visits(server: Server, **options: Any) -> list[list[Any]]:
    """Loop over connections, and give the messages of each."""
    seen: list[list[Any]] = []
    async with asyncio.timeout(HANG_SECONDS):
        async for ws in connect(uri_of(server), **{"backoff": AT_ONCE} | options):
            seen.append([message async for message in ws])
    return seen


def saying(*words: str, then: Step = leave) -> Step:
    async def say(ws: ServerConnection) -> None:
        for word in words:
            await ws.send(word)
        await then(ws)

    return say


async def test_goodbye_ends_the_loop() -> None:
    async with serve(saying("a", "b"), "127.0.0.1", 0) as server:
        assert await visits(server) == [["a", "b"]]


@pytest.mark.parametrize("end", [lose, closing_with(1001), closing_with(1011), closing_with(1012)])
async def test_after_an_unclean_end_the_next_connection_comes(end: Step) -> None:
    handler = in_turn(saying("a", then=end), saying(then=end), saying("c"))
    decisions: list[Decision] = []
    async with serve(handler, "127.0.0.1", 0) as server:
        seen = await visits(server, on_reconnect=decisions.append)
    assert seen[0] in ([], ["a"])  # a reset may overtake what was sent
    assert seen[1:] == [[], ["c"]]
    assert [decision.retry for decision in decisions] == [True, True, False]
    assert [decision.attempt for decision in decisions] == [1, 2, 0]
    assert isinstance(decisions[-1].cause, ConnectionClosedOK)


async def test_after_a_stable_connection_the_next_comes_at_once() -> None:
    backoff = Backoff(first=3600.0, stable_after=0.0)
    async with serve(in_turn(lose, leave), "127.0.0.1", 0) as server:
        assert await visits(server, backoff=backoff) == [[], []]


@pytest.mark.parametrize("code", [1002, 1003, 1007, 1008, 1009, 1010, 3500, 4999])
async def test_a_final_code_is_raised(code: int) -> None:
    decisions: list[Decision] = []
    async with serve(closing_with(code), "127.0.0.1", 0) as server:
        with pytest.raises(ConnectionClosedError) as caught:
            await visits(server, on_reconnect=decisions.append)
    assert caught.value.code == code
    assert [decision.reason for decision in decisions] == [f"closed with {code}, which is final"]


async def test_an_answer_of_4xx_is_raised() -> None:
    decisions: list[Decision] = []
    async with scripted(answering(REFUSAL)) as port:
        with pytest.raises(InvalidStatus, match="404"):
            async for _ in connect(f"ws://127.0.0.1:{port}/", on_reconnect=decisions.append):
                pytest.fail("there is no connection")
    assert [decision.retry for decision in decisions] == [False]


def refusing(times: int, status: int = 503, **headers: str) -> Callable[..., Any]:
    """Make a `process_request` that refuses some clients, then lets everybody in."""
    left = [status] * times

    def process_request(ws: ServerConnection, request: Any) -> Any:
        return ws.respond(left.pop(), "busy\n", headers) if left else None

    return process_request


async def test_an_answer_of_5xx_is_tried_again() -> None:
    options = {"process_request": refusing(3)}
    decisions: list[Decision] = []
    async with serve(saying("a"), "127.0.0.1", 0, **options) as server:
        assert await visits(server, on_reconnect=decisions.append) == [["a"]]
    assert [decision.attempt for decision in decisions] == [1, 2, 3, 0]


async def test_the_server_may_say_when_to_come_back() -> None:
    options = {"process_request": refusing(1, 429, **{"Retry-After": "0"})}
    async with serve(saying("a"), "127.0.0.1", 0, **options) as server:
        assert await visits(server) == [["a"]]


async def test_process_exception_may_insist() -> None:
    seen: list[Exception] = []
    options = {"process_request": refusing(2, 404)}
    async with serve(saying("a"), "127.0.0.1", 0, **options) as server:
        assert await visits(server, process_exception=seen.append) == [["a"]]
    assert [type(error) for error in seen] == [InvalidStatus, InvalidStatus]


async def test_process_exception_may_give_up() -> None:
    def give_up(error: Exception) -> Exception:
        return RuntimeError(f"enough: {error}")

    options = {"process_request": refusing(1)}
    async with serve(echo, "127.0.0.1", 0, **options) as server:
        with pytest.raises(RuntimeError, match="enough: the server answered 503"):
            await visits(server, process_exception=give_up)


async def test_breaking_out_closes_the_connection() -> None:
    ended = asyncio.Event()

    async def handler(ws: ServerConnection) -> None:
        await ws.wait_closed()
        ended.set()

    async with serve(handler, "127.0.0.1", 0) as server:
        async for ws in connect(uri_of(server)):
            assert ws.state is State.OPEN
            break
        async with asyncio.timeout(HANG_SECONDS):
            await ended.wait()
        await ws.wait_closed()
    assert ws.close_code == 1000


async def test_an_error_in_the_loop_goes_out_and_closes_the_connection() -> None:
    ended = asyncio.Event()

    async def handler(ws: ServerConnection) -> None:
        await ws.wait_closed()
        ended.set()

    async def loop(server: Server) -> None:
        async for _ in connect(uri_of(server)):
            raise LookupError("oh")

    async with serve(handler, "127.0.0.1", 0) as server:
        try:
            await loop(server)
        except LookupError as error:
            assert str(error) == "oh"
        async with asyncio.timeout(HANG_SECONDS):
            await ended.wait()


async def test_a_connection_that_is_left_open_is_closed_before_the_next() -> None:
    states: list[State] = []
    first = None
    async with serve(echo, "127.0.0.1", 0) as server:
        async for ws in connect(uri_of(server), backoff=AT_ONCE):
            if first is None:
                first = ws
                continue
            states.extend((first.state, ws.state))
            break
        await ws.close()
    assert states == [State.CLOSED, State.OPEN]


async def test_closing_in_the_loop_ends_it() -> None:
    count = 0
    async with serve(echo, "127.0.0.1", 0) as server:
        async for ws in connect(uri_of(server), backoff=AT_ONCE):
            count += 1
            await ws.close()
    assert count == 1


async def test_recv_in_the_loop_raises_and_going_on_is_to_continue() -> None:
    count = 0
    async with serve(in_turn(lose, leave), "127.0.0.1", 0) as server:
        async for ws in connect(uri_of(server), backoff=AT_ONCE):
            count += 1
            try:
                await ws.recv()
            except ConnectionClosed:
                continue
    assert count == 2


async def test_each_decision_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "mine")
    async with serve(in_turn(lose, leave), "127.0.0.1", 0) as server:
        await visits(server, logger=logging.getLogger("mine"))
    assert caplog.messages == [
        "closed with 1006; next attempt in 0.0 s",
        "closed with 1000, which is final; no further attempt",
    ]


async def test_the_loop_goes_on_after_the_server_has_restarted_at_its_port() -> None:
    old = await serve(echo, "127.0.0.1", 0)
    port = old.sockets[0].getsockname()[1]
    starting: list[asyncio.Future[Server]] = []
    decisions: list[Decision] = []

    async def start_again() -> Server:
        return await serve(echo, "127.0.0.1", port)

    def on_reconnect(decision: Decision) -> None:
        decisions.append(decision)
        if isinstance(decision.cause, ConnectionRefusedError) and not starting:
            starting.append(asyncio.ensure_future(start_again()))

    heard: list[Any] = []
    async with asyncio.timeout(HANG_SECONDS):
        options: Any = {"backoff": AT_ONCE, "on_reconnect": on_reconnect}
        async for ws in connect(f"ws://127.0.0.1:{port}/", **options):
            await ws.send(f"hello {len(heard)}")
            heard.append(await ws.recv())
            if starting:
                await ws.close()
            else:
                old.close()
                await old.wait_closed()
    assert heard == ["hello 0", "hello 1"]
    assert decisions[0].reason.startswith("the loop asks") or "1001" in decisions[0].reason
    new = await starting[0]
    new.close()
    await new.wait_closed()


async def test_cancelling_the_loop_while_it_waits_ends_it() -> None:
    waiting = asyncio.Event()

    async def loop(uri: str) -> None:
        options: Any = {"backoff": Backoff(first=3600.0)}
        async for _ in connect(uri, on_reconnect=lambda decision: waiting.set(), **options):
            pytest.fail("there is no connection")

    async with scripted(answering(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")) as port:
        looping = asyncio.ensure_future(loop(f"ws://127.0.0.1:{port}/"))
        await waiting.wait()
        looping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await looping
