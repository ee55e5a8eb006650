"""Where a conversation comes from and goes to: standard input, output and error."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from typing import TextIO

from trunkline.cli.lines import read_lines
from trunkline.cli.visible import visible
from trunkline.connection.consumer import Data

RECEIVED = "< "
SHOWN_BYTES = 32
DUMB_TERMINAL = "dumb"


class Console:
    """Pipes, files, or terminals that are left as they are. Each may be missing.

    Args:
        stdin: has the lines to send.
        stdout: takes the messages, and nothing else.
        stderr: takes everything else.
    """

    def __init__(self, stdin: TextIO | None, stdout: TextIO | None, stderr: TextIO | None) -> None:
        self._stdin = stdin
        self._stdout = stdout
        self._stderr = stderr
        self.is_typed = is_terminal(stdin)
        """Whether a person types the input."""
        self._shape = shape_for_terminal if is_terminal(stdout) else shape_for_program

    def show(self, message: Data) -> None:
        """Write a message that was received."""
        self._write(self._stdout, self._shape(message))

    def say(self, text: str) -> None:
        """Write what the command was started for, where that is no message."""
        self._write(self._stdout, text)

    def note(self, text: str) -> None:
        """Write something else than a message."""
        self._write(self._stderr, text)

    async def lines(self) -> AsyncGenerator[bytes, None]:
        """Yield the lines of the input."""
        if self._stdin is not None:
            async for line in read_lines(self._stdin.fileno()):
                yield line

    def _write(self, stream: TextIO | None, text: str) -> None:
        if stream is not None:
            print(text, file=stream, flush=True)


def make_console(stdin: TextIO | None, stdout: TextIO | None, stderr: TextIO | None) -> Console:
    """Make the console for these streams: one with a line to edit, where they are terminals."""
    is_plain = os.environ.get("TERM", DUMB_TERMINAL) == DUMB_TERMINAL
    if is_plain or stdin is None or stdout is None:
        return Console(stdin, stdout, stderr)
    if not (is_terminal(stdin) and is_terminal(stdout)):
        return Console(stdin, stdout, stderr)
    try:
        from trunkline.cli.terminal import Terminal
    except ImportError:  # Windows has no termios
        return Console(stdin, stdout, stderr)
    return Terminal(stdin, stdout, stderr)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a stream is there, and is a terminal."""
    return stream is not None and stream.isatty()


# Messages


def shape_for_program(message: Data) -> str:
    """Give text as it is, and binary as hexadecimal digits."""
    return message if isinstance(message, str) else message.hex()


def shape_for_terminal(message: Data) -> str:
    """Give text without control characters, and of binary its size and its beginning."""
    if isinstance(message, str):
        lines = (visible(line) for line in message.expandtabs().split("\n"))
        return RECEIVED + ("\n" + " " * len(RECEIVED)).join(lines)
    more = " …" if len(message) > SHOWN_BYTES else ""
    return f"{RECEIVED}{len(message):,} bytes: {message[:SHOWN_BYTES].hex(' ')}{more}"
