"""The command as the shell runs it: processes, pipes, signals, a terminal."""

import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

HANG_GUARD = 60.0  # seconds
TRUNKLINE = [sys.executable, "-m", "trunkline"]
MODULE = """
async def echo(ws):
    async for message in ws:
        await ws.send(message)
"""


@pytest.fixture(autouse=True)
def heeded_interrupts() -> Iterator[None]:
    """Let processes get SIGINT, which shells let their background jobs ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@contextmanager
def started(*argv: str, **options: object) -> Iterator[subprocess.Popen[str]]:
    """Start a command; at the end it must be over, and is killed otherwise."""
    process = subprocess.Popen([*TRUNKLINE, *argv], text=True, **options)  # type: ignore[call-overload]
    try:
        yield process
        process.wait(HANG_GUARD)
    finally:
        process.kill()
        process.communicate()


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run a server in a folder with an application, and give its address."""
    (folder / "app.py").write_text(MODULE)
    argv = ["serve", "app:echo", "--port", "0"]
    pipe = subprocess.PIPE
    with started(*argv, cwd=folder, stdout=pipe, stderr=pipe) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1], process
        process.terminate()


@pytest.fixture
def uri(tmp_path: Path) -> Iterator[str]:
    with serving(tmp_path) as (uri, process):
        yield uri
    assert process.returncode == 0


def run(*argv: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        [*TRUNKLINE, *argv], capture_output=True, text=True, timeout=HANG_GUARD, **options
    )


def test_a_pipe_is_answered_line_by_line(uri: str) -> None:
    result = run("connect", uri, input="one\n/two\nthree")
    assert result.stdout == "one\n/two\nthree\n"
    assert result.stderr == "closed by this side with 1000 (OK)\n"
    assert result.returncode == 0


def test_once_gives_one_answer_while_the_input_stays_open(uri: str) -> None:
    pipe = subprocess.PIPE
    with started("connect", "--once", uri, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write("one\n")
        process.stdin.flush()
        assert process.stdout.read() == "one\n"
    assert process.returncode == 0


def test_a_closed_input_is_an_empty_one(uri: str) -> None:
    shell = ["sh", "-c", 'exec "$@" <&-', "sh", *TRUNKLINE, "connect", "--linger", "0", uri]
    result = subprocess.run(shell, capture_output=True, text=True, timeout=HANG_GUARD)
    assert (result.stdout, result.returncode) == ("", 0)


def test_an_output_that_nobody_reads_ends_without_a_traceback(uri: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as output:
        result = subprocess.run(
            [*TRUNKLINE, "connect", uri],
            input="one\n",
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            timeout=HANG_GUARD,
        )
    assert (result.stderr, result.returncode) == ("closed by this side with 1000 (OK)\n", 1)


def test_ctrl_c_closes_and_exits_with_130(uri: str) -> None:
    pipe = subprocess.PIPE
    with started("connect", uri, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdin is not None
        assert process.stdout is not None and process.stderr is not None
        process.stdin.write("one\n")
        process.stdin.flush()
        assert process.stdout.readline() == "one\n"
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == "closed by this side with 1000 (OK)\n"
    assert process.returncode == 130


def test_the_doctor_goes_all_steps(uri: str) -> None:
    result = run("doctor", "--no-proxy", uri)
    assert result.stdout.splitlines()[-1].startswith("verdict: the connection works")
    assert (result.stderr, result.returncode) == ("", 0)


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (["connect", "http://localhost/"], 2, "try ws://localhost/"),
        (["connect", "ws://localhost/", "-H", "x"], 2, "has no colon"),
        (["connect", "ws://[::1/"], 2, "is not a WebSocket address"),
        (["doctor", "ws://localhost/", "-H", "Upgrade: x"], 2, "belongs to the opening handshake"),
        (["serve", "nowhere_at_all:echo"], 1, "there is no module 'nowhere_at_all'"),
    ],
)
def test_a_mistake_is_one_line(argv: list[str], code: int, words: str, tmp_path: Path) -> None:
    result = run(*argv, cwd=tmp_path)
    assert (result.stdout, result.returncode) == ("", code)
    assert result.stderr.count("\n") == 1
    assert words in result.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_server_ends_with_a_signal(tmp_path: Path, number: int) -> None:
    with serving(tmp_path) as (_, process):
        process.send_signal(number)
        assert process.wait(HANG_GUARD) == 0


def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    with serving(tmp_path) as (uri, _):
        place = uri.removeprefix("ws://")
        result = run("serve", "app:echo", "--port", place.split(":")[1], cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr.startswith(f"trunkline: {place} is taken")


# A terminal


def read_until(descriptor: int, text: str) -> str:
    seen = ""
    while text not in seen:
        seen += os.read(descriptor, 65536).decode()
    return seen


@contextmanager
def at_terminal(uri: str) -> Iterator[tuple[subprocess.Popen[str], int, int]]:
    """Run a client on a terminal of its own; give also both ends of that."""
    outer, inner = pty.openpty()
    termios.tcsetwinsize(inner, (24, 80))
    environment = {**os.environ, "TERM": "xterm"}
    streams = {"stdin": inner, "stdout": inner, "stderr": inner}
    try:
        with started("connect", uri, env=environment, start_new_session=True, **streams) as process:
            read_until(outer, "> ")
            yield process, outer, inner
    finally:
        os.close(outer)
        os.close(inner)


def test_a_conversation_on_a_terminal(uri: str) -> None:
    with at_terminal(uri) as (process, outer, inner):
        os.write(outer, b"helo\x1b[Dl\r")
        assert "< hello" in read_until(outer, "< hello\r\n")
        os.write(outer, b"/ping\r")
        read_until(outer, "pong after ")
        os.write(outer, b"half\x15/close 4001 bye\r")
        read_until(outer, "closed by this side with 4001 (private use): bye\r\n")
        process.wait(HANG_GUARD)
        assert termios.tcgetattr(inner)[3] & termios.ECHO
    assert process.returncode == 0


def test_ctrl_c_on_a_terminal_leaves_it_as_it_was(uri: str) -> None:
    with at_terminal(uri) as (process, outer, inner):
        assert not termios.tcgetattr(inner)[3] & termios.ECHO
        process.send_signal(signal.SIGINT)
        read_until(outer, "closed by this side with 1000 (OK)\r\n")
        process.wait(HANG_GUARD)
        assert termios.tcgetattr(inner)[3] & termios.ECHO
    assert process.returncode == 130
