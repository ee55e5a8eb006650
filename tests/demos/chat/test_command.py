"""The command that starts the chat."""

import asyncio
import io
import os
import signal
import socket
import sys
from types import SimpleNamespace
from typing import Any, cast

import pytest

import trunkline
from trunkline.demos.chat import command
from trunkline.demos.chat.command import describe, main, page_address, parse_arguments, stop_signal

HOST = "127.0.0.1"
HANG_GUARD_SECONDS = 60


class StoppingOutput(io.StringIO):
    """Sends a signal to this process as soon as the reader is told how to stop."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__()
        self.number = number

    def write(self, text: str) -> int:
        if "Ctrl-C" in text:
            os.kill(os.getpid(), self.number)
        return super().write(text)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_well(number: signal.Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    output = StoppingOutput(number)
    monkeypatch.setattr(sys, "stdout", output)
    assert main(["--port", "0"]) == 0
    first, second = output.getvalue().splitlines()
    assert first.startswith(f"Open http://{HOST}:")
    assert second == "Press Ctrl-C to stop."


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_process_says_goodbye_to_who_is_there(number: signal.Signals) -> None:
    arguments = ("-m", "trunkline.demos.chat", "--port", "0")
    async with asyncio.timeout(HANG_GUARD_SECONDS):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        address = (await process.stdout.readline()).decode().split()[1]
        ws = await trunkline.connect(address.replace("http", "ws") + "chat")
        process.send_signal(number)
        with pytest.raises(trunkline.ConnectionClosed):
            await ws.recv()
        await ws.wait_closed()
        _, errors = await process.communicate()
    assert (ws.close_code, ws.close_reason) == (1001, "the server is stopping")
    assert (process.returncode, errors) == (0, b"")


def test_a_keyboard_interrupt_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    async def interrupted(host: str, port: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "run", interrupted)
    assert main([]) == 0


@pytest.mark.parametrize(
    ("host", "reason"),
    [("192.0.2.1", "Cannot assign requested address"), ("no such name", "")],
)
def test_an_address_that_cannot_be_had_is_one_line(
    host: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--host", host]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"cannot listen at {host} port 8000: {reason}")


@pytest.mark.parametrize(
    ("error", "description"),
    [
        (OSError(13, "attempt failed on ('::', 80)"), os.strerror(13)),
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (OSError("nothing was bound"), "nothing was bound"),
    ],
)
def test_an_error_is_described_by_the_system(error: OSError, description: str) -> None:
    assert describe(error) == description


# Arguments


def test_the_defaults_are_for_this_machine_only() -> None:
    options = parse_arguments([])
    assert (options.host, options.port) == (HOST, 8000)


@pytest.mark.parametrize(
    ("port", "reason"),
    [
        ("65536", "port is 65,536, limit 65,535"),
        ("-1", "port is -1, limit 65,535"),
        ("http", "'http'"),
    ],
)
def test_a_port_that_is_none_is_refused(
    port: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse_arguments([f"--port={port}"])
    assert caught.value.code == 2
    assert reason in capsys.readouterr().err


# Pieces


@pytest.mark.parametrize(
    ("name", "address"),
    [
        (("127.0.0.1", 8001), "http://127.0.0.1:8001/"),
        (("0.0.0.0", 8000), "http://127.0.0.1:8000/"),
        (("::1", 8000, 0, 0), "http://[::1]:8000/"),
        (("::", 8000, 0, 0), "http://[::1]:8000/"),
    ],
)
def test_the_address_can_be_opened(name: tuple[Any, ...], address: str) -> None:
    listening = SimpleNamespace(getsockname=lambda: name)
    server = cast(trunkline.Server, SimpleNamespace(sockets=[listening]))
    assert page_address(server) == address


async def test_a_loop_without_signals_is_stopped_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(number: int, callback: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(asyncio.get_running_loop(), "add_signal_handler", refuse)
    assert not stop_signal().is_set()
