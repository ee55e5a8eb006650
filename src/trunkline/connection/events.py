"""The event way: a connection that calls methods, named as in the browser."""

from __future__ import annotations

from collections.abc import Callable
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from typing import TYPE_CHECKING, Any

from trunkline.close_codes import CloseCode
from trunkline.connection.consumer import Data
from trunkline.connection.ending import NOTHING_SAID
from trunkline.connection.link import Link
from trunkline.connection.mistake import log_mistake

if TYPE_CHECKING:
    from trunkline.connection.connection import Connection


class Events:
    """What happens on one connection; override what you need.

    The methods are called on the loop's thread, straight from the arrival of bytes, and do not
    wait: to send, they use `ws.send_soon()`. An exception in one of them, or sys.exit() in one of a
    server's, is logged and closes this connection with 1011, and touches no other. `on_message` is
    looked up once, at the first message.

    Raises:
        TypeError: a subclass has a method that is a coroutine function, which nobody would await,
            or has a `yield`, so that calling it would run nothing.
    """

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for name, method in vars(cls).items():
            if name.startswith("on_"):
                check_method(f"{cls.__name__}.{name}", method)

    def on_open(self, ws: Connection) -> None:
        """The connection is open."""

    def on_message(self, ws: Connection, data: Data) -> None:
        """A message arrived: `str` is text, `bytes` is binary."""

    def on_error(self, ws: Connection, error: Exception) -> None:
        """The connection ends, and not well; `on_close` follows."""

    def on_close(self, ws: Connection, code: int, reason: str, was_clean: bool) -> None:
        """The connection is gone; nothing follows.

        `code` is 1006 where the peer sent no close frame; `was_clean` tells whether close frames
        went both ways.
        """

    def on_drain(self, ws: Connection) -> None:
        """The unsent bytes have fallen below low water."""

    def on_ping(self, ws: Connection, data: bytes) -> None:
        """A ping arrived; it has been answered."""

    def on_pong(self, ws: Connection, data: bytes) -> None:
        """A pong arrived."""


def check_method(name: str, method: object) -> None:
    """Refuse a method of `Events` of which nothing would run."""
    if has_yield(method):
        raise TypeError(f"{name} must not have a yield: nobody would run it")
    if iscoroutinefunction(method):
        raise TypeError(f"{name} must not be async: events are not awaited")


def has_yield(function: object) -> bool:
    """Whether calling `function` runs nothing of it, and gives a generator of either kind."""
    return isgeneratorfunction(function) or isasyncgenfunction(function)


class Dispatcher:
    """Hands what happens on a link to the user's `Events`."""

    __slots__ = ("_connection", "_events", "_link", "_on_message")

    def __init__(self, link: Link, connection: Connection, events: Events) -> None:
        self._link = link
        self._connection = connection
        self._events = events
        self._on_message: Callable[[Connection, Data], None] | None = None

    def _call(self, method: Callable[..., Any], *args: object) -> None:
        try:
            method(self._connection, *args)
        except self._link.setting.mistakes as error:
            self.failed(method, error)

    def failed(self, method: Callable[..., Any], error: BaseException) -> None:
        """Log what a method has raised, and end this connection."""
        name = getattr(method, "__qualname__", repr(method))
        log_mistake(self._link.setting.logger, name, error)
        self._link.close(CloseCode.INTERNAL_ERROR, "")

    # Called by the link

    def opened(self) -> None:
        """Tell of the open connection."""
        self._call(self._events.on_open)

    def message(self, data: Data) -> None:
        """Hand on a message."""
        if self._on_message is None:
            self._on_message = self._events.on_message
        self._call(self._on_message, data)

    def ping(self, payload: bytes) -> None:
        """Tell of a ping."""
        self._call(self._events.on_ping, payload)

    def pong(self, payload: bytes) -> None:
        """Tell of a pong."""
        self._call(self._events.on_pong, payload)

    def drained(self) -> None:
        """Tell that there is room again."""
        self._call(self._events.on_drain)

    def is_settled(self) -> bool:
        """Always: methods have returned before the next bytes are looked at."""
        return True

    def discard(self) -> int:
        """Methods have returned before the next bytes are looked at: no message waits."""
        return 0

    def ended(self) -> None:
        """Wait for the loss of the stream, as browsers do."""

    def lost(self) -> None:
        """Tell of the end."""
        ending = self._link.ending
        if not ending.was_clean:
            self._call(self._events.on_error, self._link.closed())
        # As in browsers: whatever happened here, without a close frame from there it is 1006.
        close = ending.rcvd or NOTHING_SAID
        self._call(self._events.on_close, close.code, close.reason, ending.was_clean)
