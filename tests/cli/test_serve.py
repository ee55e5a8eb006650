import asyncio
import os
import re
import signal
import socket
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import trustme

import trunkline
from trunkline.cli.arguments import ServeArguments, parse_arguments
from trunkline.cli.console import Console
from trunkline.cli.exit_code import ExitCode
from trunkline.cli.failures import Failure
from trunkline.cli.serve import (
    address,
    allowed_origins,
    handled,
    loop_factory,
    make_server,
    run_serve,
    serve_until_told,
)

HANG_GUARD = 20.0  # seconds
MODULE = """
import asyncio

async def echo(ws):
    async for message in ws:
        await ws.send(message)
"""


class Listener(Console):
    """Keeps what is said."""

    def __init__(self) -> None:
        super().__init__(None, None, None)
        self.said: asyncio.Queue[str] = asyncio.Queue()
        self.notes: asyncio.Queue[str] = asyncio.Queue()

    def say(self, text: str) -> None:
        self.said.put_nowait(text)

    def note(self, text: str) -> None:
        self.notes.put_nowait(text)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "planted_server.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return tmp_path


def arguments_for(*options: str) -> ServeArguments:
    argv = ["serve", "planted_server:echo", *options]
    return cast(ServeArguments, parse_arguments(argv))


@asynccontextmanager
async def running(*options: str) -> AsyncIterator[tuple[str, Listener, asyncio.Task[None]]]:
    """Serve, and give the address that was said."""
    arguments, console = arguments_for(*options), Listener()
    task = asyncio.create_task(serve_until_told(make_server(arguments), arguments, console))
    async with asyncio.timeout(HANG_GUARD):
        said = await console.said.get()
        yield said.removeprefix("serving planted_server:echo at "), console, task
        await task


# Serving


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_closes_every_connection_with_1001(number: int) -> None:
    async with running("--port", "0") as (uri, console, _):
        ws = await trunkline.connect(uri)
        await ws.send("hello")
        assert await ws.recv() == "hello"
        os.kill(os.getpid(), number)
        await ws.wait_closed()
        assert ws.close_code == trunkline.CloseCode.GOING_AWAY
        assert await console.notes.get() == "closing; once more does not wait"


async def test_a_second_signal_does_not_wait() -> None:
    async with running("--port", "0") as (uri, console, task):
        host, port = uri.removeprefix("ws://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        # Opens a connection, and never answers the close frame.
        key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        head = (
            f"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{key}\r\n"
        )
        writer.write(head.encode())
        await reader.readuntil(b"\r\n\r\n")
        os.kill(os.getpid(), signal.SIGTERM)
        await console.notes.get()
        assert not task.done()
        os.kill(os.getpid(), signal.SIGTERM)
        await task
        writer.close()
        await writer.wait_closed()


async def test_the_said_address_is_the_true_one() -> None:
    async with running("--port", "0", "--host", "127.0.0.1") as (uri, _, task):
        assert re.fullmatch(r"ws://127\.0\.0\.1:[1-9]\d*", uri)
        async with trunkline.connect(uri):
            pass
        task.cancel()


async def test_a_server_may_have_a_certificate(folder: Path) -> None:
    authority = trustme.CA()
    pem = authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem
    pem.write_to_path(str(folder / "pem"))
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with running("--port", "0", "--cert", str(folder / "pem")) as (uri, _, task):
        assert uri.startswith("wss://127.0.0.1:")
        async with trunkline.connect(uri, ssl=trusting):
            pass
        task.cancel()


async def test_a_server_may_listen_at_a_unix_socket() -> None:
    async with running("--unix", "socket") as (place, _, task):
        assert place == "the Unix socket socket"
        async with trunkline.connect("ws://localhost/", path="socket"):
            pass
        task.cancel()


async def test_a_taken_port_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        arguments = arguments_for("--port", place.partition(":")[2])
        with pytest.raises(Failure, match=f"^{place} is taken"):
            await serve_until_told(make_server(arguments), arguments, Listener())


async def test_a_unix_socket_in_no_folder_is_told() -> None:
    arguments = arguments_for("--unix", "missing/socket")
    with pytest.raises(Failure, match=r"^missing/socket is in a folder that does not exist"):
        await serve_until_told(make_server(arguments), arguments, Listener())


async def test_signals_are_optional_where_the_loop_has_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise NotImplementedError

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "add_signal_handler", refuse)
    monkeypatch.setattr(loop, "remove_signal_handler", refuse)
    with handled([signal.SIGTERM], print):
        pass


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        (("127.0.0.1", 80), "ws://127.0.0.1:80"),
        (("::1", 80, 0, 0), "ws://[::1]:80"),
        ("/a/b", "the Unix socket /a/b"),
    ],
)
def test_addresses_look_like_those_of_clients(name: object, uri: str) -> None:
    listening = cast(socket.socket, SimpleNamespace(getsockname=lambda: name))
    assert address(listening, "ws") == uri


# Making


@pytest.mark.parametrize(
    ("origins", "policy"),
    [
        ([], trunkline.SAME_ORIGIN),
        (["https://x"], ["https://x", None]),
        (["https://x", "*"], None),
    ],
)
def test_programs_without_origin_may_connect_in_any_case(
    origins: list[str], policy: object
) -> None:
    assert allowed_origins(origins) == policy


def test_an_origin_that_is_none_is_wrong_usage() -> None:
    with pytest.raises(Failure, match="'x' is not an origin") as failure:
        make_server(arguments_for("--origin", "x"))
    assert failure.value.exit_code is ExitCode.USAGE


def test_the_usual_loop_is_that_of_asyncio() -> None:
    assert loop_factory(arguments_for()) is None


def test_uvloop_is_taken_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    module = SimpleNamespace(new_event_loop=object())
    monkeypatch.setitem(sys.modules, "uvloop", module)
    assert loop_factory(arguments_for("--uvloop")) is module.new_event_loop


def test_uvloop_that_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    with pytest.raises(Failure, match="uvloop is not installed"):
        loop_factory(arguments_for("--uvloop"))


# The whole


def test_it_runs_a_loop_of_its_own_until_a_signal() -> None:
    class Impatient(Listener):
        def say(self, text: str) -> None:
            os.kill(os.getpid(), signal.SIGTERM)

    arguments = replace(arguments_for(), port=0)
    assert run_serve(arguments, Impatient()) is ExitCode.OK
