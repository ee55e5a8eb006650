import asyncio
import os
import re
import signal
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
import trustme

import trunkline
from trunkline.app.app import App
from trunkline.app.listening.failure import StartFailure
from trunkline.cli.arguments import ServeArguments, parse_arguments
from trunkline.cli.console import Console
from trunkline.cli.exit_code import ExitCode
from trunkline.cli.failures import Failure
from trunkline.cli.serve import (
    allowed_origins,
    handled,
    make_server,
    run_serve,
    serve_until_told,
)

HANG_GUARD = 20.0  # seconds
MODULE = """
from trunkline.app.app import App

async def echo(ws):
    async for message in ws:
        await ws.send(message)

app = App()
"""


async def echo(ws: trunkline.ServerConnection) -> None:
    async for message in ws:
        await ws.send(message)


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
    task = asyncio.create_task(serve_until_told(make_server(echo, arguments), arguments, console))
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
        with pytest.raises(StartFailure, match=f"^{place} is taken"):
            await serve_until_told(make_server(echo, arguments), arguments, Listener())


async def test_a_unix_socket_in_no_folder_is_told() -> None:
    arguments = arguments_for("--unix", "missing/socket")
    with pytest.raises(StartFailure, match=r"^missing/socket is in a folder that does not exist"):
        await serve_until_told(make_server(echo, arguments), arguments, Listener())


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
        make_server(echo, arguments_for("--origin", "x"))
    assert failure.value.exit_code is ExitCode.USAGE


# The whole


def test_it_runs_a_loop_of_its_own_until_a_signal() -> None:
    class Impatient(Listener):
        def say(self, text: str) -> None:
            os.kill(os.getpid(), signal.SIGTERM)

    arguments = replace(arguments_for(), port=0)
    assert run_serve(arguments, Impatient()) is ExitCode.OK


def test_an_application_is_run_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[object] = []

    def run_app(load: Callable[[], App], *rest: object) -> ExitCode:
        given.append(load())
        return ExitCode.OK

    monkeypatch.setattr("trunkline.cli.serve.run_app", run_app)
    for options in ([], ["--workers", "2"]):
        arguments = replace(arguments_for(*options), target="planted_server:app")
        assert run_serve(arguments, Listener()) is ExitCode.OK
    assert len(given) == 2 and all(isinstance(app, App) for app in given)


def test_a_handler_has_no_options_of_an_application() -> None:
    with pytest.raises(Failure, match=r"--drain needs a trunkline.App"):
        run_serve(arguments_for("--drain", "1"), Listener())
