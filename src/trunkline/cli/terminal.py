"""A terminal with a line at the bottom that stays whole while messages appear above it."""

from __future__ import annotations

import asyncio
import codecs
import os
import signal
import termios
import tty
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import TextIO

from trunkline.cli.console import Console
from trunkline.cli.editor import TAB, Editor
from trunkline.cli.visible import columns

PROMPT = "> "
ERASE_LINE = "\r\x1b[K"
READ_BYTES = 4096
UNKNOWN_SIZE_COLUMNS = 80


class Terminal(Console):
    """Input and output are one terminal, whose lines are edited here."""

    def __init__(self, stdin: TextIO, stdout: TextIO, stderr: TextIO | None) -> None:
        super().__init__(stdin, stdout, stderr)
        self._descriptor = stdin.fileno()
        self._screen = stdout
        self._editor = Editor()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._is_editing = False

    async def lines(self) -> AsyncGenerator[bytes, None]:
        """Yield the lines that are typed, until Ctrl-D."""
        with self._editing():
            while (line := await self._queue.get()) is not None:
                yield line

    # Writing

    def _write(self, stream: TextIO | None, text: str) -> None:
        if not self._is_editing:
            super()._write(stream, text)
            return
        self._put(ERASE_LINE)
        super()._write(stream, text)
        self._draw()

    def _draw(self) -> None:
        width = (os.get_terminal_size(self._descriptor).columns or UNKNOWN_SIZE_COLUMNS) - 1
        before, after = window(self._editor.text, self._editor.cursor, width - len(PROMPT))
        back = f"\x1b[{columns(after)}D" if after else ""
        self._put(f"{ERASE_LINE}{PROMPT}{before}{after}{back}")

    def _put(self, text: str) -> None:
        self._screen.write(text)
        self._screen.flush()

    # Reading

    @contextmanager
    def _editing(self) -> Iterator[None]:
        """Take keys one by one; afterwards the terminal is as it was."""
        loop = asyncio.get_running_loop()
        modes = termios.tcgetattr(self._descriptor)
        loop.add_reader(self._descriptor, self._read)
        # A shell that lets a stopped program go on has used the terminal meanwhile.
        loop.add_signal_handler(signal.SIGCONT, self._resume)
        loop.add_signal_handler(signal.SIGWINCH, self._draw)
        self._resume()
        self._is_editing = True
        try:
            yield
        finally:
            self._is_editing = False
            loop.remove_signal_handler(signal.SIGWINCH)
            loop.remove_signal_handler(signal.SIGCONT)
            loop.remove_reader(self._descriptor)
            self._put(ERASE_LINE)
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, modes)

    def _resume(self) -> None:
        # Ctrl-C and Ctrl-Z stay signals.
        tty.setcbreak(self._descriptor, termios.TCSADRAIN)
        self._draw()

    def _read(self) -> None:
        try:
            typed = os.read(self._descriptor, READ_BYTES)
        except OSError:
            typed = b""
        for line in self._editor.feed(self._decoder.decode(typed)):
            self._put(f"{ERASE_LINE}{PROMPT}{line}\n")
            self._queue.put_nowait(line.encode())
        if self._editor.has_ended or not typed:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            self._queue.put_nowait(None)
        else:
            self._draw()


def window(text: str, cursor: int, width: int) -> tuple[str, str]:
    """Choose what of a line is shown, such that the cursor is in it.

    Args:
        text: the whole line.
        cursor: index in it.
        width: columns that there are.

    Returns:
        What is shown before the cursor, and what from it on.
    """
    shown = text.replace(TAB, " ")
    start = cursor
    room = width - 1  # the cursor itself needs a column
    while start > 0 and (room := room - columns(shown[start - 1])) >= 0:
        start -= 1
    end = cursor
    room = width - columns(shown[start:cursor])
    while end < len(shown) and (room := room - columns(shown[end])) >= 0:
        end += 1
    return shown[start:cursor], shown[cursor:end]
