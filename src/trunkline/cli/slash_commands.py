"""What a line that begins with a slash does."""

from __future__ import annotations

import asyncio

from trunkline.cli.console import Console
from trunkline.close_codes import CloseCode
from trunkline.connection.connection import Connection
from trunkline.connection.pings import RoundTrip

COMMAND = b"/"
ESCAPED_COMMAND = b"//"
HELP = """\
/ping                    measure the round trip
/close [CODE [REASON]]   close the connection, with 1000 unless you say otherwise
/help                    show this list
//…                      send a line that begins with a slash"""


class Commands:
    """Carries out commands.

    Args:
        connection: what they are about.
        console: takes their output.
    """

    def __init__(self, connection: Connection, console: Console) -> None:
        self._connection = connection
        self._console = console
        self.close_code: int | None = None
        """The code that the user has closed with."""

    def run(self, line: str) -> None:
        """Carry out a line.

        Raises:
            ConnectionClosed: it needs an open connection.
        """
        name, _, rest = line.partition(" ")
        match name:
            case "/ping":
                self._ping()
            case "/close":
                self._close(rest)
            case "/help":
                self._console.note(HELP)
            case _:
                self._console.note(f"there is no command {name}; /help lists them")

    def _ping(self) -> None:
        asyncio.ensure_future(self._connection.ping()).add_done_callback(self._answered)

    def _answered(self, answer: asyncio.Future[RoundTrip]) -> None:
        # The end of the connection is told by others.
        if not answer.cancelled() and answer.exception() is None:
            self._console.note(f"pong after {answer.result() * 1000:.2f} ms")

    def _close(self, words: str) -> None:
        number, _, reason = words.strip().partition(" ")
        try:
            code = int(number) if number else int(CloseCode.NORMAL_CLOSURE)
        except ValueError:
            self._console.note(f"{number!r} is not a close code; write /close [CODE [REASON]]")
            return
        try:
            self._connection.close_soon(code, reason)
        except ValueError as error:
            self._console.note(str(error))
            return
        self.close_code = code
