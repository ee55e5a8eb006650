"""A WebSocket connection, as users hold it."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Awaitable, Sequence
from functools import cached_property
from typing import Any, Literal, Self, overload

from trunkline.close_codes import CloseCode
from trunkline.connection.consumer import Consumer, Data
from trunkline.connection.events import Dispatcher, Events
from trunkline.connection.form import form_of
from trunkline.connection.fragments import BytesLike, DataLike, Message, is_data
from trunkline.connection.heads import Heads, fold, recent
from trunkline.connection.inbox import Inbox
from trunkline.connection.link import Link
from trunkline.connection.outbox import Outbox
from trunkline.connection.pings import RoundTrip
from trunkline.connection.setting import Setting
from trunkline.connection.state import State
from trunkline.engines.choose import deflate_class, endpoint_class, mask_keys
from trunkline.engines.engine import Stream
from trunkline.errors import ConnectionClosed, ConnectionClosedOK, UsageError
from trunkline.protocol.endpoint import Endpoint
from trunkline.protocol.extensions import encode_parameters
from trunkline.protocol.handshake import Agreement
from trunkline.protocol.http1 import Request, Response

PLAIN = Agreement()
"""Nothing beyond RFC 6455: one object for all connections."""


class Connection:
    """One WebSocket connection; `connect()` and `serve()` make them.

    Messages are `str` for text and `bytes` for binary. A connection is used on the thread of the
    loop that made it; there, any task may call any method.
    """

    # Few set these: as long as nobody does, they take nothing.
    _ends_quietly = False
    _consumer: Dispatcher | Inbox | None = None

    def __init__(self, setting: Setting, stream: Stream) -> None:
        self._link = Link(setting, stream)
        self._agreement = PLAIN
        self._heads: Heads | bytes = Heads()
        self._own_values = b""

    def open(self, agreement: Agreement, events: Events | None, received: bytes) -> None:
        """Begin the conversation; called once, by whoever has carried out the handshake.

        Args:
            agreement: what the handshake agreed on.
            events: take the messages; `None` keeps them for `recv()`.
            received: bytes that arrived behind the handshake.
        """
        link = self._link
        self._fold_heads()
        self._agreement = PLAIN if agreement == PLAIN else agreement
        deflate = agreement.deflate
        role = link.setting.role
        extensions = [] if deflate is None else [deflate_class()(role, deflate)]
        endpoint = endpoint_class()(role, link.limits, extensions, mask_keys())
        self._deliver_to(events, endpoint)
        link.open(endpoint, self, received)

    def _fold_heads(self) -> None:
        if not isinstance(self._heads, bytes):
            self._heads, self._own_values = fold(self._heads)

    def keep_heads(self, pattern: bytes, own_values: bytes) -> None:
        """Keep request and response, folded already."""
        self._heads, self._own_values = pattern, own_values

    def _deliver_to(self, events: Events | None, endpoint: Endpoint) -> None:
        link = self._link
        self._consumer = Inbox(link) if events is None else Dispatcher(link, self, events)

    @property
    def consumer(self) -> Consumer:
        """What takes the messages; not for users."""
        assert self._consumer is not None
        return self._consumer

    # What is known

    @property
    def _setting(self) -> Setting:
        return self._link.setting

    @property
    def _stream(self) -> Stream:
        return self._link.stream

    @property
    def ends_quietly(self) -> bool:
        """Whether `async for` over the messages ends without an error in any case."""
        return self._ends_quietly

    @ends_quietly.setter
    def ends_quietly(self, quietly: bool) -> None:
        self._ends_quietly = quietly

    @property
    def logger(self) -> logging.Logger:
        """What is told of errors in handlers."""
        return self._setting.logger

    @property
    def _unfolded(self) -> Heads:
        if isinstance(self._heads, bytes):
            return recent.unfold(self, self._heads, self._own_values)
        return self._heads

    def _own_heads(self) -> Heads:
        """Give what can be set, and is kept from now on."""
        self._heads = self._unfolded
        return self._heads

    @property
    def request(self) -> Request | None:
        """The opening request."""
        return self._unfolded.request

    @request.setter
    def request(self, request: Request | None) -> None:
        self._own_heads().request = request

    @property
    def response(self) -> Response | None:
        """The answer to the opening request."""
        return self._unfolded.response

    @response.setter
    def response(self, response: Response | None) -> None:
        self._own_heads().response = response

    @property
    def _outbox(self) -> Outbox:
        link = self._link
        if link.sender is None:
            setting, deflate = link.setting, self._agreement.deflate
            form = form_of(setting.role, deflate, setting.limits.min_compress)
            link.sender = Outbox(link, form)
        return link.sender

    @cached_property
    def id(self) -> uuid.UUID:
        """A unique name, for logs."""
        return uuid.uuid4()

    @property
    def state(self) -> State:
        """CONNECTING, OPEN, CLOSING or CLOSED."""
        return self._link.state

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that was agreed on."""
        return self._agreement.subprotocol

    @property
    def extensions(self) -> Sequence[str]:
        """The extensions that were agreed on, with their parameters."""
        deflate = self._agreement.deflate
        return [] if deflate is None else [encode_parameters(deflate)]

    @property
    def local_address(self) -> Any:
        """The address of this side's socket."""
        return self._stream.get_extra_info("sockname")

    @property
    def remote_address(self) -> Any:
        """The address of the peer's socket."""
        return self._stream.get_extra_info("peername")

    def get_extra_info(self, name: str) -> Any:
        """Give what the stream knows, such as `socket`, `ssl_object` or `peercert`, or `None`."""
        return self._stream.get_extra_info(name)

    @property
    def latency(self) -> float:
        """The latest round-trip time in seconds; 0 before the first pong."""
        return self._link.latency

    @property
    def buffered_amount(self) -> int:
        """Bytes that were sent and have not left."""
        return self._stream.unsent

    @property
    def close_code(self) -> int | None:
        """The close code, 1006 for a connection that was lost; `None` before its end."""
        return self._link.ending.outcome().code if self._link.has_ended else None

    @property
    def close_reason(self) -> str | None:
        """The words with the close code; `None` before its end."""
        return self._link.ending.outcome().reason if self._link.has_ended else None

    def closed(self) -> ConnectionClosed:
        """Make the error that says how the connection ended."""
        return self._link.closed()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, exc_type: type[BaseException] | None, *_: object) -> None:
        """Close the connection, with 1011 where an exception ends the block."""
        normal, failed = CloseCode.NORMAL_CLOSURE, CloseCode.INTERNAL_ERROR
        await self.close(normal if exc_type is None else failed)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.remote_address} {self.state.name}>"

    # Receiving

    @overload
    async def recv(self, decode: Literal[True]) -> str: ...
    @overload
    async def recv(self, decode: Literal[False]) -> bytes: ...
    @overload
    async def recv(self, decode: bool | None = None) -> Data: ...
    async def recv(self, decode: bool | None = None) -> Data:
        """Receive the next message. Cancelling this loses none.

        Args:
            decode: `True` gives `str` and `False` gives `bytes`, whatever was sent.

        Raises:
            ConnectionClosed: the connection has ended, and every message has been received.
            ConcurrencyError: another task is in `recv()`.
            TypeError: `decode` is something else; no message is lost by that.
            UsageError: the connection delivers to `Events`.
            UnicodeDecodeError: `decode=True`, and a binary message is not UTF-8.
        """
        if not isinstance(decode, bool | None):
            raise TypeError(f"decode is True, False or None, not {decode!r}")
        if not isinstance(self._consumer, Inbox):
            raise UsageError("messages of this connection go to on_message(), not to recv()")
        data = await self._consumer.get()
        if decode is True and isinstance(data, bytes):
            return data.decode()
        if decode is False and isinstance(data, str):
            return data.encode()
        return data

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Data:
        """Give the next message; end where both sides have said goodbye."""
        try:
            return await self.recv()
        except ConnectionClosedOK:
            raise StopAsyncIteration from None
        except ConnectionClosed:
            if self.ends_quietly:
                raise StopAsyncIteration from None
            raise

    def pause_reading(self) -> None:
        """Let the peer wait, where messages go to `Events`; `recv()` does this by itself."""
        self._link.pause_reading()

    def resume_reading(self) -> None:
        """Listen again after `pause_reading()`."""
        self._link.resume_reading()

    # Sending

    async def send(
        self, message: Message, text: bool | None = None, *, compress: bool = True
    ) -> None:
        """Send a message, and wait while more than `write_limit` bytes are unsent.

        An iterable or asynchronous iterable of `str` or of `bytes` is sent as one message, with
        a fragment for each element (RFC 6455 §5.4); other messages wait until it is complete.

        Args:
            message: `str` is sent as text, anything like bytes as binary.
            text: `True` sends as text and `False` as binary, whatever the type.
            compress: whether to compress, where that was agreed on.

        Raises:
            ConnectionClosed: the connection has ended or is ending.
            TypeError: it is no message.
        """
        await self._outbox.send(message, text=text, compress=compress)

    def send_soon(
        self, message: DataLike, text: bool | None = None, *, compress: bool = True
    ) -> None:
        """Send a message without waiting.

        A peer that has left more than `max_unsent` bytes of earlier messages unread loses the
        connection, and the message with it: `on_error` and `recv()` tell.

        Args:
            message: `str` is sent as text, anything like bytes as binary.
            text: `True` sends as text and `False` as binary, whatever the type.
            compress: whether to compress, where that was agreed on.

        Raises:
            ConnectionClosed: the connection has ended or is ending.
            TypeError: it is no message of one piece.
        """
        self._outbox.send_soon(message, text=text, compress=compress)

    def ping(self, data: str | BytesLike | None = None) -> Awaitable[RoundTrip]:
        """Send a ping.

        Args:
            data: at most 125 bytes that no ping under way has; drawn at random by default.

        Returns:
            An awaitable that gives the round-trip time in seconds.

        Raises:
            ConnectionClosed: the connection has ended or is ending; the awaitable raises it too.
            ConcurrencyError: a ping with these data is under way.
            ValueError: the data are too long.
        """
        link = self._link
        link.check_open()
        payload = link.pings.new_payload() if data is None else to_payload(data)
        link.pings.check_unused(payload)
        return link.send_ping(payload).sent(payload, link.engine.now())

    async def pong(self, data: str | BytesLike = b"") -> None:
        """Send a pong that nobody asked for, as a one-way sign of life (RFC 6455 §5.5.3).

        Raises:
            ConnectionClosed: the connection has ended or is ending.
            ValueError: the data are more than 125 bytes.
        """
        self._link.check_open()
        self._link.send_control(self._link.endpoint.send_pong(to_payload(data)))

    # Closing

    async def close(self, code: int | None = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Close the connection, and wait until it is gone; more calls do no harm.

        Messages that have arrived can still be received, later ones are dropped. A peer that
        does not answer within `close_timeout` is cut off.

        Args:
            code: 1000–1003, 1007–1014 or 3000–4999; `None` for none.
            reason: at most 123 bytes of UTF-8.

        Raises:
            InvalidState: the connection is not open yet.
            ValueError: code or reason must not be sent (RFC 6455 §7.4).
        """
        self.close_soon(code, reason)
        await self.wait_closed()

    def close_soon(self, code: int | None = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Begin to close the connection, without waiting; otherwise as `close()`."""
        self._link.close(code, reason)

    def dismiss(self, code: int, reason: str = "") -> None:
        """Close the connection of a peer that is not to be heard any more, without waiting.

        Messages that have arrived and were not received are dropped, and counted as that
        (`discarded`); `recv()` raises at once. Otherwise as `close_soon()`.

        Args:
            code: as for `close()`.
            reason: as for `close()`.
        """
        self.close_soon(code, reason)
        self._setting.traffic.discarded += self.consumer.discard()

    async def wait_closed(self) -> None:
        """Wait until the connection is gone."""
        await self._link.wait_lost()

    def abort(self) -> None:
        """Cut the connection at once; the peer sees it as lost (1006).

        What was sent just before may leave or not. In `on_open` that is the answer to the opening
        request, so that a client may see no connection at all.
        """
        self._link.abort()


def to_payload(data: str | BytesLike) -> bytes:
    """Give the payload of a control frame."""
    if not is_data(data):
        raise TypeError(f"a payload is str or bytes, not {data!r}")
    return data.encode() if isinstance(data, str) else bytes(data)
