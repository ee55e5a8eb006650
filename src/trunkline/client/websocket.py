"""The browser's WebSocket, in Python (WHATWG WebSockets Standard), names in snake_case."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from trunkline.client.connect import connect
from trunkline.close_codes import CloseCode
from trunkline.connection.connection import Connection
from trunkline.connection.consumer import Data
from trunkline.connection.events import Events
from trunkline.connection.fragments import DataLike, to_data
from trunkline.connection.state import State
from trunkline.errors import InvalidState, UsageError
from trunkline.protocol.closing import MAX_REASON

logger = logging.getLogger("trunkline.client")

CLOSE_CODES = range(3000, 5000)
BINARY_TYPES: dict[str, Callable[[bytes], BytesLike]] = {
    "bytes": bytes,
    "bytearray": bytearray,
    "memoryview": memoryview,
}
BytesLike = bytes | bytearray | memoryview
"""What `binary_type` chooses from."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened to `target`: "open", "error", "message" or "close"."""

    type: str
    target: WebSocket


@dataclass(frozen=True, slots=True)
class ErrorEvent(Event):
    """The connection could not be opened, or ends and not well; a close event follows."""

    error: Exception


@dataclass(frozen=True, slots=True)
class MessageEvent(Event):
    """A message arrived: `str` is text, and `binary_type` says what binary is."""

    data: str | BytesLike
    origin: str


@dataclass(frozen=True, slots=True)
class CloseEvent(Event):
    """The connection is gone. `code` is 1006 where the peer sent no close frame."""

    code: int
    reason: str
    was_clean: bool


Listener = Callable[[Any], Awaitable[None] | None]
EVENT_TYPES = ("open", "message", "error", "close")


class InvalidAccess(UsageError, ValueError):
    """The browser's InvalidAccessError: a close code that an application must not use."""


class WebSocket:
    """A connection with the browser's interface; it opens by itself.

    Listeners are called on the loop's thread, in the order in which they were added; one that is
    a coroutine function runs as a task. What they raise is logged and goes no further.

    Args:
        url: ws://, wss://, http:// or https:// address.
        protocols: subprotocols to offer, or one.
        options: as for `connect()`.

    Raises:
        InvalidURI: the address is no WebSocket address.
        ValueError: a subprotocol is no token, or is named twice.
        RuntimeError: no loop is running.
    """

    CONNECTING = State.CONNECTING
    OPEN = State.OPEN
    CLOSING = State.CLOSING
    CLOSED = State.CLOSED

    def __init__(self, url: str, protocols: str | Sequence[str] = (), **options: Any) -> None:
        offered = [protocols] if isinstance(protocols, str) else list(protocols)
        self._url = websocket_url(url)
        connecting = connect(
            self._url, subprotocols=offered, events=lambda: _Relay(self), **options
        )
        self._binary_type = "bytes"
        self._connection: Connection | None = None
        self._listeners: dict[str, dict[Listener, bool]] = {name: {} for name in EVENT_TYPES}
        self._handlers: dict[str, Listener | None] = dict.fromkeys(EVENT_TYPES)
        self._handler_calls = {name: partial(self._call_handler, name) for name in EVENT_TYPES}
        self._running: set[asyncio.Future[None]] = set()
        self._state = State.CONNECTING
        self._unsendable = 0
        self._gone = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._opening = loop.create_task(self._open(connecting))
        # A task that is cancelled before its first step runs nothing but this.
        self._opening.add_done_callback(self._opening_ended)

    async def _open(self, connecting: connect) -> None:
        await connecting

    def _opening_ended(self, opening: asyncio.Task[None]) -> None:
        if opening.cancelled():
            self._failed(InvalidState("closed before the connection was established"))
        elif isinstance(error := opening.exception(), Exception):
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        self._state = State.CLOSED
        self._dispatch(ErrorEvent("error", self, error))
        self._closed(CloseCode.ABNORMAL_CLOSURE, "", was_clean=False)

    def _closed(self, code: int, reason: str, *, was_clean: bool) -> None:
        self._state = State.CLOSED
        self._gone.set()
        self._dispatch(CloseEvent("close", self, code, reason, was_clean))

    # What is known

    @property
    def url(self) -> str:
        """The address."""
        return self._url

    @property
    def ready_state(self) -> State:
        """CONNECTING, OPEN, CLOSING or CLOSED, which are 0 to 3."""
        if self._state is State.OPEN and self._connection is not None:
            return self._connection.state
        return self._state

    @property
    def buffered_amount(self) -> int:
        """Bytes that `send()` took and that have not left; never falls after the end."""
        sent = 0 if self._connection is None else self._connection.buffered_amount
        return sent + self._unsendable

    @property
    def protocol(self) -> str:
        """The subprotocol that was agreed on, or an empty string."""
        return "" if self._connection is None else self._connection.subprotocol or ""

    @property
    def extensions(self) -> str:
        """The extensions that were agreed on, or an empty string."""
        return "" if self._connection is None else ", ".join(self._connection.extensions)

    @property
    def binary_type(self) -> str:
        """What binary messages come as: "bytes", "bytearray" or "memoryview"."""
        return self._binary_type

    @binary_type.setter
    def binary_type(self, name: str) -> None:
        if name not in BINARY_TYPES:
            raise ValueError(f"binary_type is {name!r}, it can be {', '.join(BINARY_TYPES)}")
        self._binary_type = name

    # Sending and closing

    def send(self, data: DataLike) -> None:
        """Send a message; after the end it counts in `buffered_amount` and goes nowhere.

        Raises:
            InvalidState: the connection is not open yet.
            TypeError: `data` is neither `str` nor like bytes.
        """
        if self.ready_state is State.CONNECTING:
            raise InvalidState("the connection is not open yet: wait for the open event")
        if self.ready_state is State.OPEN and self._connection is not None:
            self._connection.send_soon(data)
        else:
            message = to_data(data)
            self._unsendable += len(message.encode() if isinstance(message, str) else message)

    def close(self, code: int | None = None, reason: str = "") -> None:
        """Close the connection, or give up opening it.

        Raises:
            InvalidAccess: `code` is neither 1000 nor 3000 to 4999.
            ValueError: `reason` is over 123 bytes of UTF-8.
        """
        if code is not None and code != CloseCode.NORMAL_CLOSURE and code not in CLOSE_CODES:
            raise InvalidAccess(f"close code is {code}, it can be 1000 or 3000 to 4999")
        size = len(reason.encode())
        if size > MAX_REASON:
            raise ValueError(f"close reason is {size} bytes, limit {MAX_REASON}")
        if self._connection is not None:
            has_words = code is None and bool(reason)
            self._connection.close_soon(CloseCode.NORMAL_CLOSURE if has_words else code, reason)
        elif self._state is State.CONNECTING:
            self._state = State.CLOSING
            self._opening.cancel()

    async def wait_closed(self) -> None:
        """Wait until the connection is gone and its close event has been dispatched."""
        await self._gone.wait()

    # Listening

    def add_event_listener(self, type: str, listener: Listener, *, once: bool = False) -> None:
        """Call `listener` for every event of a type, or for the next one only."""
        self._listeners_of(type).setdefault(listener, once)

    def remove_event_listener(self, type: str, listener: Listener) -> None:
        """Call `listener` no more; nothing happens where it is not known."""
        self._listeners_of(type).pop(listener, None)

    def _listeners_of(self, type: str) -> dict[Listener, bool]:
        if type not in self._listeners:
            raise ValueError(f"event type is {type!r}, it can be {', '.join(EVENT_TYPES)}")
        return self._listeners[type]

    @property
    def on_open(self) -> Listener | None:
        """Called for the open event."""
        return self._handlers["open"]

    @on_open.setter
    def on_open(self, handler: Listener | None) -> None:
        self._set_handler("open", handler)

    @property
    def on_message(self) -> Listener | None:
        """Called for message events."""
        return self._handlers["message"]

    @on_message.setter
    def on_message(self, handler: Listener | None) -> None:
        self._set_handler("message", handler)

    @property
    def on_error(self) -> Listener | None:
        """Called for the error event."""
        return self._handlers["error"]

    @on_error.setter
    def on_error(self, handler: Listener | None) -> None:
        self._set_handler("error", handler)

    @property
    def on_close(self) -> Listener | None:
        """Called for the close event."""
        return self._handlers["close"]

    @on_close.setter
    def on_close(self, handler: Listener | None) -> None:
        self._set_handler("close", handler)

    def _set_handler(self, type: str, handler: Listener | None) -> None:
        # As in browsers, a handler is one listener; another in its place keeps its turn.
        self._handlers[type] = handler
        if handler is None:
            self.remove_event_listener(type, self._handler_calls[type])
        else:
            self.add_event_listener(type, self._handler_calls[type])

    def _call_handler(self, type: str, event: Event) -> Awaitable[None] | None:
        handler = self._handlers[type]
        assert handler is not None
        return handler(event)

    def _dispatch(self, event: Event) -> None:
        listeners = self._listeners[event.type]
        for listener, once in list(listeners.items()):
            if listener not in listeners:
                continue
            if once:
                del listeners[listener]
            self._call(listener, event)

    def _call(self, listener: Listener, event: Event) -> None:
        try:
            result = listener(event)
        except Exception:
            logger.exception("listener for %s events failed", event.type)
            return
        if inspect.iscoroutine(result):
            task = asyncio.get_running_loop().create_task(self._run(result, event))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _run(self, coroutine: Coroutine[Any, Any, None], event: Event) -> None:
        try:
            await coroutine
        except Exception:
            logger.exception("listener for %s events failed", event.type)


class _Relay(Events):
    """Turns what happens on the connection into events of the socket."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket

    def on_open(self, ws: Connection) -> None:
        socket = self._socket
        socket._connection = ws
        socket._state = State.OPEN
        socket._dispatch(Event("open", socket))

    def on_message(self, ws: Connection, data: Data) -> None:
        socket = self._socket
        shaped = data if isinstance(data, str) else BINARY_TYPES[socket.binary_type](data)
        socket._dispatch(MessageEvent("message", socket, shaped, socket.url))

    def on_error(self, ws: Connection, error: Exception) -> None:
        socket = self._socket
        socket._dispatch(ErrorEvent("error", socket, error))

    def on_close(self, ws: Connection, code: int, reason: str, was_clean: bool) -> None:
        self._socket._closed(code, reason, was_clean=was_clean)


def websocket_url(url: str) -> str:
    """Give a ws:// address for an http:// one, and wss:// for https://, as browsers do."""
    scheme, separator, rest = url.partition("://")
    replaced = {"http": "ws", "https": "wss"}.get(scheme.lower(), scheme)
    return f"{replaced}{separator}{rest}"
