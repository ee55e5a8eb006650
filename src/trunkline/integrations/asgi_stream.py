"""A stream over ASGI: messages of the server become frames, and frames become messages.

What is above it, from the link to the handler, is the same as in every other connection. ASGI's
server does the rest: it has the socket, masks, compresses, and sends pings.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import Any

from trunkline.close_codes import Close, CloseCode, is_sendable
from trunkline.connection.waiters import Waiters
from trunkline.engines.choose import endpoint_class
from trunkline.engines.engine import Engine, Receiver
from trunkline.integrations.interface import Message, Receive, Scope, Send
from trunkline.limits import LOW_WATER_DIVISOR, Limits
from trunkline.protocol.closing import shorten_reason
from trunkline.protocol.events import Binary, Event, Text
from trunkline.protocol.role import Role

OWN_WORDS = Limits(max_size=None, max_fragments=(1 << 31) - 1)
"""What this side writes to itself needs no limit."""
NO_MASK = bytes(4)
"""Nothing is between the two endpoints that could be fooled (RFC 6455 §10.3)."""
ABORTED: Message = {"type": "websocket.close", "code": int(CloseCode.INTERNAL_ERROR)}


class AsgiStream:
    """Carries one connection over `receive()` and `send()`; implements `engines.engine.Stream`.

    Args:
        engine: keeps the time.
        scope: of the connection.
        receive: gives the server's messages.
        send: takes ours.
        limits: `write_limit` and `close_timeout` apply.
    """

    def __init__(
        self, engine: Engine, scope: Scope, receive: Receive, send: Send, limits: Limits
    ) -> None:
        self.receiver: Receiver
        self._engine = engine
        self._scope = scope
        self._receive = receive
        self._send = send
        self._limits = limits
        self._peer = endpoint_class()(Role.CLIENT, OWN_WORDS, [], lambda: NO_MASK)
        self._outgoing: deque[Event] = deque()
        self._changes = Waiters()
        self._writer: asyncio.Task[None] | None = None
        self.is_reading_paused = True
        self._is_accepted = False
        self._is_deaf_to_writes = False
        self._is_closing = False
        self._has_said_goodbye = False
        self._error: Exception | None = None
        self.last_heard = engine.now()
        self.unsent = 0
        self.sent = 0
        self.is_writing_paused = False
        self.has_ended = False
        self.is_lost = False

    # Called by the receiver

    def write(self, data: bytes) -> None:
        """Send what these frames say, in its turn."""
        if self._is_deaf_to_writes:
            return
        for event in self._peer.receive_bytes(data):
            self._outgoing.append(event)
            self.unsent += size_of(event)
        self.is_writing_paused |= self.unsent > self._limits.write_limit
        self._changes.wake()

    def cork(self) -> None:
        """Messages cannot be joined: nothing is held back."""

    def uncork(self) -> None:
        """Nothing was held back."""

    def gather(self) -> None:
        """Messages cannot be joined: nothing is held back."""

    @property
    def is_held_up(self) -> bool:
        """Whether anything waits for the server."""
        return self.unsent > 0

    def limit_unsent(self, size: int) -> None:
        """The kernel is the server's."""

    def pause_early(self) -> None:
        """Be above high water already, if anything waits for the server."""
        self.is_writing_paused |= self.is_held_up

    def pause_reading(self) -> None:
        """Ask the server for nothing, until `resume_reading()`."""
        self.is_reading_paused = True

    def resume_reading(self) -> None:
        """Ask the server for messages."""
        self.is_reading_paused = False
        self._changes.wake()

    def end_writing(self) -> None:
        """Send what is unsent, and nothing more."""
        self._is_deaf_to_writes = True

    def close(self) -> None:
        """Send what is unsent, then let go."""
        self._is_deaf_to_writes = self._is_closing = True
        self._changes.wake()

    def abort(self) -> None:
        """Let go at once."""
        self._forget_unsent()
        self.close()
        if self._writer is not None:
            self._writer.cancel()

    def get_extra_info(self, name: str) -> Any:
        """Give `peername` and `sockname` as the server knows them, or the `scope`."""
        if name == "scope":
            return self._scope
        address = self._scope.get({"peername": "client", "sockname": "server"}.get(name, ""))
        return None if address is None else tuple(address)

    # Called by the application

    async def carry(self, accept: Message) -> None:
        """Accept, and move messages both ways, until one side lets go; tell of the loss.

        Args:
            accept: what accepts the connection. It goes out before all else, and a client that
                does not wait for it is one that is lost.
        """
        loop = asyncio.get_running_loop()
        self._writer = loop.create_task(self._write_all(accept))
        reader = loop.create_task(self._read_all())
        try:
            await asyncio.wait((self._writer,))
        finally:
            await stop(self._writer, reader)
            self.is_lost = True
            self.receiver.stream_lost(self._error)
        if not self._has_said_goodbye:
            await self._part()

    async def _part(self) -> None:
        """Tell the server, who would take the end of the application for a good one."""
        with suppress(Exception):
            async with asyncio.timeout(self._limits.close_timeout):
                await self._send(ABORTED)

    def _fail(self, error: Exception) -> None:
        """The server is no longer with us: an `OSError` says that the client is gone."""
        self._error = error
        self._has_said_goodbye = True
        self.abort()

    # Sending

    async def _write_all(self, accept: Message) -> None:
        try:
            if self._outgoing or not self._is_closing:
                await self._send(accept)
                self._is_accepted = True
                self._changes.wake()
            while self._outgoing or not self._is_closing:
                if self._outgoing:
                    await self._write_one(self._outgoing.popleft())
                else:
                    await self._changes.wait()
        except Exception as error:
            self._fail(error)

    async def _write_one(self, event: Event) -> None:
        self._has_said_goodbye |= isinstance(event, Close)
        await self._send(to_message(event))
        size = size_of(event)
        self.sent += size
        self.unsent -= size
        if self.is_writing_paused and self.unsent <= self._limits.write_limit // LOW_WATER_DIVISOR:
            self.is_writing_paused = False
            self.receiver.writing_resumed()

    def _forget_unsent(self) -> None:
        self.unsent -= sum(map(size_of, self._outgoing))
        self._outgoing.clear()

    # Receiving

    async def _read_all(self) -> None:
        try:
            while not self.has_ended:
                if self.is_reading_paused or not self._is_accepted:
                    await self._changes.wait()
                else:
                    self._take(await self._receive())
        except Exception as error:
            self._fail(error)

    def _take(self, message: Message) -> None:
        self.last_heard = self._engine.now()
        text, data = message.get("text"), message.get("bytes")
        if message["type"] == "websocket.disconnect":
            self._end(message.get("code"), message.get("reason") or "")
        elif data is None and text is not None:
            self.receiver.bytes_received(self._peer.send_text(text))
        elif data is not None:
            self.receiver.bytes_received(self._peer.send_binary(data))

    def _end(self, code: int | None, reason: str) -> None:
        """The client has closed, or is lost; nothing can be sent any more."""
        self.has_ended = self._has_said_goodbye = self._is_deaf_to_writes = True
        self._forget_unsent()
        if code is None or code == CloseCode.NO_STATUS_RCVD:
            self.receiver.bytes_received(self._peer.send_close(None))
        elif is_sendable(code):
            self.receiver.bytes_received(self._peer.send_close(code, shorten_reason(reason)))
        self.receiver.end_received()


async def stop(*tasks: asyncio.Task[None]) -> None:
    """Cancel tasks, and wait until they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def size_of(event: Event) -> int:
    """Give what a message counts of the bytes that are unsent."""
    return len(event.data) if isinstance(event, Text | Binary) else 0


def to_message(event: Event) -> Message:
    """Give the message for what a connection has sent, which is one of three things."""
    match event:
        case Text():
            return {"type": "websocket.send", "text": event.data}
        case Binary():
            return {"type": "websocket.send", "bytes": event.data}
        case Close():
            return {"type": "websocket.close", "code": int(event.code), "reason": event.reason}
    raise AssertionError(f"{event!r} cannot be sent over ASGI")
