import asyncio
import os
import pty
import signal
import termios
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from io import FileIO
from typing import TextIO

import pytest

from trunkline.cli.terminal import Terminal, window

HANG_GUARD = 20.0  # seconds
ERASE = "\r\x1b[K"


@dataclass
class Person:
    """Sits before a pseudo-terminal: types, and reads what appears."""

    outer: int
    stream: TextIO
    terminal: Terminal
    seen: str = ""

    def type(self, keys: str | bytes) -> None:
        os.write(self.outer, keys.encode() if isinstance(keys, str) else keys)

    async def read_until(self, text: str) -> str:
        """Read what appears until `text` is there; give all since the last call."""
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        loop.add_reader(self.outer, readable.set)
        try:
            async with asyncio.timeout(HANG_GUARD):
                while text not in self.seen:
                    await readable.wait()
                    readable.clear()
                    self.seen += os.read(self.outer, 65536).decode().replace("\r\n", "\n")
        finally:
            loop.remove_reader(self.outer)
        seen, self.seen = self.seen, ""
        return seen

    def modes(self) -> int:
        return int(termios.tcgetattr(self.stream)[3])

    def is_raw(self) -> bool:
        return not self.modes() & (termios.ECHO | termios.ICANON)


@pytest.fixture
def person() -> Iterator[Person]:
    outer, inner = pty.openpty()
    termios.tcsetwinsize(outer, (24, 20))
    with FileIO(outer), open(inner) as reader, open(os.dup(inner), "w") as writer:
        yield Person(outer, reader, Terminal(reader, writer, writer))


@asynccontextmanager
async def editing(person: Person) -> AsyncIterator[asyncio.Future[bytes]]:
    """Give the line that is being typed, once the prompt is there."""
    async with aclosing(person.terminal.lines()) as lines:
        waiting = asyncio.ensure_future(anext(lines))
        assert await person.read_until("> ") == f"{ERASE}> "
        yield waiting


async def rest_of(lines: AsyncIterator[bytes]) -> list[bytes]:
    return [line async for line in lines]


async def test_typed_lines_are_yielded_until_ctrl_d(person: Person) -> None:
    rest = asyncio.ensure_future(rest_of(person.terminal.lines()))
    await person.read_until("> ")
    person.type("one\rtwö\r\x04ignored\r")
    seen = await person.read_until("> twö\n")
    assert f"{ERASE}> one\n{ERASE}> twö\n" in seen
    assert await rest == [b"one", "twö".encode()]


async def test_keys_are_taken_one_by_one_and_modes_come_back(person: Person) -> None:
    before = person.modes()
    async with editing(person) as waiting:
        assert person.is_raw()
        assert person.modes() & termios.ISIG
        person.type("one\r")
        assert await waiting == b"one"
    assert person.modes() == before


async def test_a_message_appears_above_the_line_that_is_being_typed(person: Person) -> None:
    async with editing(person) as waiting:
        person.type("hal")
        await person.read_until("hal")
        person.terminal.show("news")
        assert (await person.read_until("> hal")) == f"{ERASE}< news\n{ERASE}> hal"
        person.terminal.note("a note")
        assert (await person.read_until("> hal")) == f"{ERASE}a note\n{ERASE}> hal"
        person.type("f\r")
        assert await waiting == b"half"


async def test_before_and_after_editing_nothing_is_drawn(person: Person) -> None:
    person.terminal.show("before")
    assert await person.read_until("\n") == "< before\n"
    async with editing(person) as waiting:
        person.type("\x04")
        with pytest.raises(StopAsyncIteration):
            await waiting
    person.terminal.show("after")
    assert await person.read_until("after\n") == f"{ERASE}< after\n"


async def test_the_cursor_stands_where_it_is_in_the_line(person: Person) -> None:
    async with editing(person) as waiting:
        person.type("日本語\x1b[D\x1b[D")
        assert (await person.read_until("D")).endswith("> 日本語\x1b[4D")
        person.type("\r")
        assert await waiting == "日本語".encode()


async def test_characters_may_be_cut_anywhere(person: Person) -> None:
    async with editing(person) as waiting:
        for byte in "é日\r".encode():
            person.type(bytes([byte]))
            await person.read_until("> ")
        assert await waiting == "é日".encode()


@pytest.mark.parametrize("number", [signal.SIGCONT, signal.SIGWINCH])
async def test_the_line_is_drawn_again_after_a_signal(person: Person, number: int) -> None:
    async with editing(person) as waiting:
        person.type("abc")
        await person.read_until("abc")
        os.kill(os.getpid(), number)
        assert await person.read_until("abc") == f"{ERASE}> abc"
        person.type("\r")
        assert await waiting == b"abc"


async def test_a_program_that_goes_on_takes_the_keys_again(person: Person) -> None:
    before = termios.tcgetattr(person.stream)
    async with editing(person) as waiting:
        termios.tcsetattr(person.stream, termios.TCSANOW, before)
        os.kill(os.getpid(), signal.SIGCONT)
        await person.read_until("> ")
        assert person.is_raw()
        person.type("\r")
        assert await waiting == b""


async def test_a_terminal_without_a_size_gets_the_usual_one(person: Person) -> None:
    termios.tcsetwinsize(person.outer, (0, 0))
    async with editing(person) as waiting:
        person.type("x" * 100)
        assert (await person.read_until("x" * 76)).endswith("> " + "x" * 76)
        person.type("\r")
        assert await waiting == b"x" * 100


@pytest.mark.parametrize("error", [OSError(5, "gone"), None])
async def test_a_terminal_that_hangs_up_is_the_end(
    person: Person, monkeypatch: pytest.MonkeyPatch, error: OSError | None
) -> None:
    def read(descriptor: int, size: int) -> bytes:
        if error is not None:
            raise error
        return b""

    rest = asyncio.ensure_future(rest_of(person.terminal.lines()))
    await person.read_until("> ")
    monkeypatch.setattr(os, "read", read)
    person.type("x")
    assert await rest == []


@pytest.mark.parametrize(
    ("text", "cursor", "before", "after"),
    [
        ("", 0, "", ""),
        ("abc", 3, "abc", ""),
        ("abc", 1, "a", "bc"),
        ("a\tb", 3, "a b", ""),
        ("abcdefgh", 8, "efgh", ""),
        ("abcdefgh", 0, "", "abcde"),
        ("abcdefgh", 5, "bcde", "f"),
        ("日本語文", 4, "語文", ""),
        ("日本語文", 0, "", "日本"),
        ("日本語文", 2, "日本", ""),
        ("aé\u0301bcdefg", 3, "aé\u0301", "bcd"),
    ],
)
def test_the_window_of_a_long_line_has_the_cursor_in_it(
    text: str, cursor: int, before: str, after: str
) -> None:
    assert window(text, cursor, 5) == (before, after)
