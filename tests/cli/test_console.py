import io
import os
import pty
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from trunkline.cli.console import Console, make_console
from trunkline.cli.terminal import Terminal


class FakeTerminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[TextIO]:
    monkeypatch.setenv("TERM", "xterm")
    outer, inner = pty.openpty()
    with os.fdopen(outer, "rb"), os.fdopen(inner, "r") as stream:
        yield stream


def test_messages_and_notes_go_to_different_places() -> None:
    out, err = io.StringIO(), io.StringIO()
    console = Console(None, out, err)
    console.show("a message")
    console.say("a word")
    console.note("a note")
    assert (out.getvalue(), err.getvalue()) == ("a message\na word\n", "a note\n")


def test_streams_may_be_missing() -> None:
    console = Console(None, None, None)
    console.show("a message")
    console.note("a note")


async def test_without_an_input_there_are_no_lines() -> None:
    assert [line async for line in Console(None, None, None).lines()] == []


async def test_the_lines_of_an_input_are_read(tmp_path: Path) -> None:
    path = tmp_path / "input"
    path.write_bytes(b"one\ntwo")
    with path.open() as file:
        console = Console(file, None, None)
        assert [line async for line in console.lines()] == [b"one", b"two"]
    assert not console.is_typed


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("text\x1b[2J", "text\x1b[2J\n"),
        ("two\nlines", "two\nlines\n"),
        (b"\x00\xff", "00ff\n"),
        (b"", "\n"),
        (bytes(100), "00" * 100 + "\n"),
    ],
)
def test_a_program_gets_messages_whole(message: str | bytes, shown: str) -> None:
    out = io.StringIO()
    Console(None, out, None).show(message)
    assert out.getvalue() == shown


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("text\x1b[2J", "< text\\x1b[2J\n"),
        ("two\n< lines\ta", "< two\n  < lines a\n"),
        ("", "< \n"),
        (b"\x00\xff", "< 2 bytes: 00 ff\n"),
        (bytes(32), "< 32 bytes: " + " ".join(["00"] * 32) + "\n"),
        (bytes(1033), "< 1,033 bytes: " + " ".join(["00"] * 32) + " …\n"),
    ],
)
def test_a_person_gets_messages_that_are_safe_to_look_at(message: str | bytes, shown: str) -> None:
    out = FakeTerminal()
    Console(None, out, None).show(message)
    assert out.getvalue() == shown


def test_a_person_types_at_a_terminal() -> None:
    assert Console(FakeTerminal(), None, None).is_typed


def test_a_terminal_has_a_line_to_edit(terminal: TextIO) -> None:
    assert isinstance(make_console(terminal, terminal, None), Terminal)


@pytest.mark.parametrize("kept", ["stdin", "stdout"])
def test_one_stream_alone_makes_no_terminal(terminal: TextIO, kept: str) -> None:
    other = io.StringIO()
    streams = (terminal, other) if kept == "stdin" else (other, terminal)
    assert type(make_console(*streams, None)) is Console


@pytest.mark.parametrize("missing", ["stdin", "stdout"])
def test_a_missing_stream_makes_no_terminal(terminal: TextIO, missing: str) -> None:
    streams = (None, terminal) if missing == "stdin" else (terminal, None)
    assert type(make_console(*streams, None)) is Console


@pytest.mark.parametrize("name", ["dumb", None])
def test_a_dumb_terminal_is_left_as_it_is(
    terminal: TextIO, monkeypatch: pytest.MonkeyPatch, name: str | None
) -> None:
    monkeypatch.delenv("TERM")
    if name is not None:
        monkeypatch.setenv("TERM", name)
    assert type(make_console(terminal, terminal, None)) is Console


def test_without_termios_a_terminal_is_left_as_it_is(
    terminal: TextIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "trunkline.cli.terminal", None)
    assert type(make_console(terminal, terminal, None)) is Console
