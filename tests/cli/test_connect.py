import asyncio
import datetime
import io
import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, cast

import pytest
import trustme

import trunkline
from trunkline.cli.arguments import ConnectArguments, parse_arguments
from trunkline.cli.connect import (
    Conversation,
    closing_words,
    open_and_converse,
    open_connection,
    opening_limits,
    run_connect,
)
from trunkline.cli.console import Console
from trunkline.cli.exit_code import ExitCode
from trunkline.cli.failures import Failure

HANG_GUARD = 20.0  # seconds
Handler = Callable[[trunkline.ServerConnection], Awaitable[None]]


class Script(Console):
    """Has lines to send, and keeps what comes."""

    def __init__(self, *lines: bytes, is_typed: bool = True, ends: bool = True) -> None:
        super().__init__(None, io.StringIO(), io.StringIO())
        self.is_typed = is_typed
        self.shown: list[str | bytes] = []
        self.has_shown = asyncio.Event()
        self.notes: list[str] = []
        self._lines = lines
        self._ends = ends

    def show(self, message: str | bytes) -> None:
        self.shown.append(message)
        self.has_shown.set()

    def note(self, text: str) -> None:
        self.notes.append(text)

    async def lines(self) -> AsyncGenerator[bytes, None]:
        for line in self._lines:
            yield line
        if not self._ends:
            await asyncio.Event().wait()


async def echo(ws: trunkline.ServerConnection) -> None:
    async for message in ws:
        await ws.send(message)


async def idle(ws: trunkline.ServerConnection) -> None:
    await ws.wait_closed()


@asynccontextmanager
async def serving(handler: Handler, **options: Any) -> AsyncIterator[str]:
    async with trunkline.serve(handler, "127.0.0.1", 0, **options) as server:
        scheme, host = ("wss", "localhost") if "ssl" in options else ("ws", "127.0.0.1")
        yield f"{scheme}://{host}:{server.sockets[0].getsockname()[1]}/"


def arguments_for(uri: str, *options: str) -> ConnectArguments:
    return cast(ConnectArguments, parse_arguments(["connect", uri, *options]))


async def talk(handler: Handler, console: Script, *options: str) -> ExitCode:
    async with serving(handler) as uri, asyncio.timeout(HANG_GUARD):
        return await open_and_converse(arguments_for(uri, *options), console)


async def failure_of(handler: Handler, console: Script, *options: str) -> str:
    with pytest.raises(Failure) as failure:
        await talk(handler, console, *options)
    return str(failure.value)


# Sending


async def test_what_is_typed_is_sent_and_what_comes_is_shown() -> None:
    received: list[str | bytes] = []

    class Patient(Script):
        async def lines(self) -> AsyncGenerator[bytes, None]:
            yield b"one"
            yield b""
            yield b"//two"
            await self.has_shown.wait()
            yield b"/close"

    async def take_two(ws: trunkline.ServerConnection) -> None:
        received.extend([await ws.recv(), await ws.recv()])
        await ws.send("hello")
        await ws.wait_closed()

    console = Patient()
    assert await talk(take_two, console) is ExitCode.OK
    assert received == ["one", "/two"]
    assert console.shown == ["hello"]
    assert console.notes[-1] == "closed by this side with 1000 (OK)"


async def test_the_lines_of_a_program_are_sent_whatever_they_are() -> None:
    console = Script(b"/ping", b"", b"//x", is_typed=False)
    assert await talk(echo, console, "--linger", "inf", "--once") is ExitCode.OK
    assert console.shown == ["/ping"]


async def test_lines_are_sent_as_binary_on_demand() -> None:
    console = Script(b"\xff", is_typed=False)
    assert await talk(echo, console, "--binary", "--once") is ExitCode.OK
    assert console.shown == [b"\xff"]


async def test_a_line_that_is_no_text_ends_it() -> None:
    console = Script(b"fine", b"\xff", is_typed=False)
    assert await failure_of(idle, console) == "line 2 is not UTF-8; --binary sends it as it is"


async def test_a_command_is_not_sent() -> None:
    console = Script(b"/nope", b"/close 4001 bye")
    assert await talk(echo, console) is ExitCode.OK
    assert console.shown == []
    assert "there is no command /nope; /help lists them" in console.notes
    assert console.notes[-1] == "closed by this side with 4001 (private use): bye"


# The end of the input


async def test_the_end_of_what_is_typed_closes_at_once() -> None:
    assert await talk(idle, Script(), "--linger", "inf") is ExitCode.OK


async def test_after_the_end_of_a_file_answers_may_still_come() -> None:
    answers = ["one", "two", "three"]

    async def answer(ws: trunkline.ServerConnection) -> None:
        await ws.recv()
        for text in answers:
            await ws.send(text)

    console = Script(b"go", is_typed=False)
    assert await talk(answer, console, "--linger", "inf") is ExitCode.OK
    assert console.shown == answers
    assert console.notes[-1] == "closed by the peer with 1000 (OK)"


async def test_silence_after_the_end_of_a_file_closes() -> None:
    console = Script(b"one", is_typed=False)
    assert await talk(idle, console, "--linger", "0") is ExitCode.OK
    assert console.notes[-1] == "closed by this side with 1000 (OK)"


# Once


async def test_once_closes_after_one_message() -> None:
    async def flood(ws: trunkline.ServerConnection) -> None:
        await ws.send("one")
        await ws.send("two")
        await ws.wait_closed()

    console = Script(ends=False)
    assert await talk(flood, console, "--once") is ExitCode.OK
    assert console.shown == ["one"]


async def test_once_waits_no_longer_than_it_is_told() -> None:
    text = await failure_of(idle, Script(is_typed=False), "--once", "--timeout", "0.05")
    assert text == "no message arrived within 0.05 s"


async def test_once_fails_where_no_message_comes() -> None:
    async def leave(ws: trunkline.ServerConnection) -> None:
        pass

    text = await failure_of(leave, Script(is_typed=False), "--once")
    assert text == "the connection was closed before a message arrived"


# The end of the connection


async def test_a_close_with_an_error_is_an_error() -> None:
    async def refuse(ws: trunkline.ServerConnection) -> None:
        await ws.close(1008, "no\x1b[2J\nway")

    console = Script(ends=False)
    assert await talk(refuse, console) is ExitCode.ERROR
    assert console.notes[-1] == ("closed by the peer with 1008 (policy violation): no\\x1b[2J way")


async def test_a_lost_connection_is_an_error() -> None:
    async def vanish(ws: trunkline.ServerConnection) -> None:
        ws.abort()

    console = Script(ends=False)
    assert await talk(vanish, console) is ExitCode.ERROR
    assert console.notes[-1].startswith("connection closed with 1006")


async def test_another_code_than_the_wanted_one_is_an_error() -> None:
    async def hurry(ws: trunkline.ServerConnection) -> None:
        await ws.close(4002)

    console = Script(ends=False)
    assert await talk(hurry, console) is ExitCode.ERROR


async def test_typing_goes_on_into_a_connection_that_has_ended() -> None:
    gone = asyncio.Event()

    class Late(Script):
        async def lines(self) -> AsyncGenerator[bytes, None]:
            await gone.wait()
            yield b"too late"

    async with serving(idle) as uri, asyncio.timeout(HANG_GUARD):
        arguments = arguments_for(uri)
        connection = await open_connection(arguments, Late())
        conversation = Conversation(connection, Late(), arguments)
        running = asyncio.create_task(conversation.run())
        connection.close_soon()
        gone.set()
        await running
    assert conversation.exit_code() is ExitCode.OK


async def test_ctrl_c_closes_the_connection() -> None:
    codes: list[int | None] = []

    async def watch(ws: trunkline.ServerConnection) -> None:
        await ws.send("hello")
        await ws.wait_closed()
        codes.append(ws.close_code)

    console = Script(ends=False)
    async with serving(watch) as uri, asyncio.timeout(HANG_GUARD):
        talking = asyncio.create_task(open_and_converse(arguments_for(uri), console))
        await console.has_shown.wait()
        talking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await talking
    assert codes == [1000]


def test_closing_words_tell_how_a_connection_was_lost() -> None:
    closed = trunkline.ConnectionClosedError(1006, "", trunkline.Closer.NOBODY, 3.0)
    assert closing_words(closed) == str(closed)


# Opening


async def test_what_is_asked_for_is_in_the_request() -> None:
    requests: list[trunkline.Request] = []

    async def note_request(ws: trunkline.ServerConnection) -> None:
        assert ws.request is not None
        requests.append(ws.request)

    options = ["-H", "X-A: b", "--subprotocol", "chat", "--no-compression", "--no-proxy"]
    async with serving(note_request, subprotocols=["chat"], origins=None) as uri:
        arguments = arguments_for(uri, *options, "--origin", "https://x.example", "-v")
        console = Script(ends=False, is_typed=False)
        assert await open_and_converse(arguments, console) is ExitCode.OK
    headers = requests[0].headers
    assert headers["X-A"] == "b"
    assert headers["Origin"] == "https://x.example"
    assert "Sec-WebSocket-Extensions" not in headers
    assert console.notes[0] == f"connected to {uri} (subprotocol chat, no extensions)"


async def test_who_types_is_greeted() -> None:
    console = Script()
    await talk(echo, console)
    assert console.notes[0].endswith("/ (subprotocol none)")
    assert console.notes[1] == "type to send; /help lists the commands; Ctrl-D closes"


async def test_extensions_are_told_to_who_asks() -> None:
    console = Script()
    await talk(echo, console, "-v")
    assert "permessage-deflate" in console.notes[0]


async def test_a_program_is_not_greeted() -> None:
    console = Script(is_typed=False)
    await talk(idle, console, "--linger", "0")
    assert console.notes == ["closed by this side with 1000 (OK)"]


@pytest.mark.parametrize(("timeout", "seconds"), [(None, 10.0), (2.0, 2.0)])
def test_the_timeout_is_that_of_the_opening(timeout: float | None, seconds: float) -> None:
    assert opening_limits(timeout).open_timeout == seconds


async def failure_to_open(uri: str, *options: str) -> Failure:
    with pytest.raises(Failure) as failure:
        await open_connection(arguments_for(uri, *options), Script())
    return failure.value


async def test_a_refusal_is_told_with_its_status() -> None:
    async with serving(echo) as uri:
        failure = await failure_to_open(uri, "--origin", "https://evil.example")
    assert str(failure) == "the server answered 403 Forbidden: this Origin may not connect"


async def test_a_wrong_address_is_wrong_usage() -> None:
    failure = await failure_to_open("http://localhost/")
    assert str(failure).endswith("; try ws://localhost/")
    assert failure.exit_code is ExitCode.USAGE


async def test_the_password_of_an_address_is_not_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    failure = await failure_to_open(f"ws://me:secret@127.0.0.1:{port}/", "--no-proxy")
    assert str(failure).startswith(f"ws://127.0.0.1:{port}/ refused the connection")


async def test_a_proxy_that_cannot_be_reached_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    failure = await failure_to_open("ws://a.example/", "--proxy", f"http://127.0.0.1:{port}")
    assert str(failure).startswith(f"ws://a.example/ through the proxy 127.0.0.1:{port} refused")


async def test_a_proxy_that_is_none_is_wrong_usage() -> None:
    failure = await failure_to_open("ws://a.example/", "--proxy", "nowhere")
    assert failure.exit_code is ExitCode.USAGE


# TLS

AUTHORITY = trustme.CA()
YESTERDAY = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)


def server_tls(name: str = "localhost", **options: Any) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(name, **options).configure_cert(context)
    return context


@pytest.fixture
def ca(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    AUTHORITY.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.mark.parametrize(
    ("context", "words"),
    [
        (server_tls(not_after=YESTERDAY), "has expired"),
        (server_tls("other.example"), "is for another name"),
    ],
)
async def test_what_is_wrong_with_a_certificate_is_told(
    ca: str, context: ssl.SSLContext, words: str
) -> None:
    async with serving(echo, ssl=context) as uri:
        assert words in str(await failure_to_open(uri, "--ca", ca))


async def test_an_unknown_authority_is_told() -> None:
    async with serving(echo, ssl=server_tls()) as uri:
        assert "was issued by an authority" in str(await failure_to_open(uri))


async def test_a_server_in_the_clear_does_not_speak_tls() -> None:
    async with serving(echo) as uri:
        failure = await failure_to_open(uri.replace("ws:", "wss:"))
    assert "does not speak TLS; it may be a ws:// address" in str(failure)


async def test_an_authority_can_be_named(ca: str) -> None:
    async with serving(echo, ssl=server_tls()) as uri:
        assert await open_and_converse(arguments_for(uri, "--ca", ca), Script()) is ExitCode.OK


async def test_an_insecure_connection_comes_with_a_warning() -> None:
    console = Script()
    async with serving(echo, ssl=server_tls("other.example")) as uri:
        assert await open_and_converse(arguments_for(uri, "--insecure"), console) is ExitCode.OK
    assert console.notes[0].startswith("warning: the certificate is not checked")


# The whole


def test_it_runs_a_loop_of_its_own() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    arguments = replace(arguments_for(f"ws://127.0.0.1:{port}/"), proxy=None)
    with pytest.raises(Failure, match="nothing listens there"):
        run_connect(arguments, Script())
