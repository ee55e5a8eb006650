"""A client's connection in the hands of a test: it never waits in vain."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from trunkline.client.connection import ClientConnection
from trunkline.connection.connection import Connection
from trunkline.connection.consumer import Data
from trunkline.connection.events import Events
from trunkline.connection.fragments import Message
from trunkline.connection.waiters import Waiters
from trunkline.errors import ConnectionClosed
from trunkline.limits import RECEIVE_TIMEOUT
from trunkline.protocol.http1 import Response
from trunkline.testing.clock import Clock
from trunkline.testing.diary import HAPPENED, RECEIVED, SENT, Diary, show
from trunkline.testing.failure import Failure
from trunkline.testing.line import Line, Toward


class Recorder(Events):
    """Writes down what happens on a connection, and keeps the messages for the test.

    Args:
        diary: of the connection.
    """

    def __init__(self, diary: Diary) -> None:
        self.diary = diary
        self.messages: deque[Data] = deque()
        self.closed: ConnectionClosed | None = None
        self.change = Waiters()

    def on_open(self, ws: Connection) -> None:
        """The handshake is done."""
        words = "" if ws.subprotocol is None else f", subprotocol {ws.subprotocol}"
        self.diary.write(HAPPENED, f"opened{words}")

    def on_message(self, ws: Connection, data: Data) -> None:
        """Keep it."""
        self.diary.write(RECEIVED, show(data))
        self.messages.append(data)
        self.change.wake()

    def on_ping(self, ws: Connection, data: bytes) -> None:
        """It has been answered."""
        self.diary.write_sign_of_life(RECEIVED, "a ping, which was answered")

    def on_pong(self, ws: Connection, data: bytes) -> None:
        """An answer."""
        self.diary.write_sign_of_life(RECEIVED, "a pong")

    def on_close(self, ws: Connection, code: int, reason: str, was_clean: bool) -> None:
        """The end."""
        self.closed = ws.closed()
        self.diary.write(HAPPENED, str(self.closed))
        self.change.wake()


class TestConnection:
    """A connection to a server of the test; `House.connect()` makes it.

    What does not happen in time, on the test's clock, is a `Failure` that tells what did.

    Args:
        connection: open.
        recorder: is told of what happens on it.
        clock: the test's.
    """

    # pytest would take it for a class of tests.
    __test__ = False

    def __init__(self, connection: ClientConnection, recorder: Recorder, clock: Clock) -> None:
        self.connection = connection
        self._recorder = recorder
        self._clock = clock
        self.line: Line = connection.get_extra_info("line")

    # What is known

    @property
    def response(self) -> Response:
        """The answer to the opening request."""
        response = self.connection.response
        assert response is not None
        return response

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that was agreed on."""
        return self.connection.subprotocol

    @property
    def unread(self) -> list[Data]:
        """Messages that have arrived, and that the test has not received yet."""
        return list(self._recorder.messages)

    @property
    def history(self) -> str:
        """What happened so far, a line for each thing."""
        return str(self._recorder.diary)

    # Messages

    async def send(self, message: Message, text: bool | None = None) -> None:
        """Send a message; see `Connection.send()`."""
        self._clock.pat()
        self._recorder.diary.write(SENT, show(message))
        await self.connection.send(message, text)

    async def receive(self, timeout: float | None = RECEIVE_TIMEOUT) -> Data:
        """Receive the next message.

        Args:
            timeout: seconds on the test's clock; `None` for as long as it takes.

        Raises:
            Failure: none came in time, or the connection has ended before.
        """
        recorder = self._recorder
        await self._until(lambda: bool(recorder.messages or recorder.closed), "message", timeout)
        if not recorder.messages:
            raise self._failure(f"no message came: {recorder.closed}")
        return recorder.messages.popleft()

    async def expect_nothing(self, seconds: float = RECEIVE_TIMEOUT) -> None:
        """Let time pass in which no message arrives, and the connection does not end.

        Args:
            seconds: on the test's clock.

        Raises:
            Failure: something came.
        """
        await self._clock.advance(seconds)
        recorder = self._recorder
        if recorder.messages:
            raise self._failure(f"a message came: {show(recorder.messages[0])}")
        if recorder.closed is not None:
            raise self._failure(f"the connection has ended: {recorder.closed}")

    # The end

    async def close(self, code: int | None = 1000, reason: str = "") -> None:
        """Close the connection, and wait until it is gone; see `Connection.close()`."""
        self._clock.pat()
        self._recorder.diary.write(SENT, f"close {code} {reason}".rstrip())
        await self.connection.close(code, reason)

    async def expect_close(
        self,
        code: int | None = None,
        reason: str | None = None,
        timeout: float | None = RECEIVE_TIMEOUT,
    ) -> ConnectionClosed:
        """Wait for the end; messages that come before are passed over, and stay `unread`.

        Args:
            code: that it must have, such as 1000, or 1006 for a line that was lost; `None`: any.
            reason: that it must have; `None`: any.
            timeout: seconds on the test's clock; `None` for as long as it takes.

        Returns:
            What says how the connection ended.

        Raises:
            Failure: it did not end in time, or not like that.
        """
        await self._until(lambda: self._recorder.closed is not None, "end", timeout)
        closed = self._recorder.closed
        assert closed is not None
        if code not in (None, closed.code):
            raise self._failure(f"the connection ended with {closed.code}, not {code}")
        if reason not in (None, closed.reason):
            raise self._failure(f"the reason for the end is {closed.reason!r}, not {reason!r}")
        return closed

    # The line

    def cut(self) -> None:
        """Lose the line: both sides see a reset, and what is under way is gone."""
        self._recorder.diary.write(HAPPENED, "the test cuts the line")
        self.line.cut()

    def stall(self, *toward: Toward) -> None:
        """Let nothing arrive any more, and nobody be told: a half-open line; see `Line`."""
        self._recorder.diary.write(HAPPENED, f"the test stalls the line {words_for(toward)}")
        self.line.stall(*toward)

    def flow(self, *toward: Toward) -> None:
        """Let everything arrive again."""
        self._recorder.diary.write(HAPPENED, f"the test lets the line flow {words_for(toward)}")
        self.line.flow(*toward)

    def delay(self, seconds: float, *toward: Toward) -> None:
        """Let whatever is sent from now on arrive so many seconds later, on the test's clock."""
        self._recorder.diary.write(HAPPENED, f"the test delays the line by {seconds} s")
        self.line.delay(seconds, *toward)

    # Waiting

    async def _until(self, condition: Callable[[], bool], what: str, timeout: float | None) -> None:
        self._clock.pat(timeout or 0.0)
        try:
            async with asyncio.timeout(timeout):
                while not condition():
                    await self._recorder.change.wait()
        except TimeoutError:
            raise self._failure(f"no {what} came within {timeout} s") from None

    def _failure(self, what: str) -> Failure:
        unread = self._recorder.messages
        waiting = f"\n{len(unread):,} unread, the next is {show(unread[0])}" if unread else ""
        return Failure(f"{what}{waiting}\n{self.history}")


def words_for(toward: tuple[Toward, ...]) -> str:
    """Say which directions are meant."""
    chosen = [direction.value for direction in toward]
    return f"toward {' and '.join(chosen)}" if chosen else "both ways"
