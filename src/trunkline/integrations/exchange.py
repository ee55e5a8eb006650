"""The messages between one ASGI application and a connection (ASGI's WebSocket format, 2.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from enum import Enum, auto
from http import HTTPStatus
from typing import Any

from trunkline.close_codes import Close, CloseCode
from trunkline.connection.lane import connection_type
from trunkline.connection.setting import Setting
from trunkline.connection.waiters import Waiters
from trunkline.engines.engine import Stream
from trunkline.errors import Closer, ConnectionClosed, RequestRefused
from trunkline.integrations.denial import Denial, decoded
from trunkline.integrations.interface import Message
from trunkline.integrations.opening import Opening
from trunkline.integrations.refusal import Refusal, refusal_of, tell_loss
from trunkline.protocol.handshake import add_unreserved
from trunkline.protocol.headers import Headers
from trunkline.protocol.http1 import Response
from trunkline.server.connection import ServerConnection
from trunkline.server.serve import shutting_down

Fields = Iterable[tuple[bytes, bytes]]

NOT_CONNECTED = Close(CloseCode.ABNORMAL_CLOSURE, "")
FAILED = RequestRefused(HTTPStatus.INTERNAL_SERVER_ERROR, "see the server's log")
REFUSED = RequestRefused(HTTPStatus.FORBIDDEN, "the application refuses this connection")


class ClientDisconnected(OSError):
    """The client is gone: what ASGI has `send()` raise then."""


class Stage(Enum):
    """How far an application has come with its connection."""

    CONNECTING = auto()
    """It has not answered."""

    DENYING = auto()
    """It has begun a response that is no upgrade."""

    OPEN = auto()
    """It has accepted."""

    OVER = auto()
    """It has closed or denied; what it sends now is a mistake."""

    GONE = auto()
    """There is nobody to whom it could send."""


class Exchange:
    """What an application receives and sends; the receiver of the stream until it has accepted.

    Args:
        setting: of the connection; its `when_lost` is called with `None` where there is none.
        stream: paused; the opening request came on it.
        opening: what the client asked for.
        default_headers: of every answer.
        tell: called with what was answered, for a log.
    """

    __slots__ = (
        *("_connection", "_default_headers", "_denial", "_early", "_has_begun", "_is_early"),
        *("_opening", "_setting", "_stage", "_stream", "_tell", "_waiters", "ending"),
    )

    def __init__(
        self,
        setting: Setting,
        stream: Stream,
        opening: Opening,
        default_headers: Fields,
        tell: Callable[[str], None],
    ) -> None:
        self._setting = setting
        self._stream = stream
        self._opening = opening
        self._default_headers = default_headers
        self._tell = tell
        self._connection: ServerConnection | None = None
        self._denial = Denial()
        self._early = b""
        self._stage = Stage.CONNECTING
        self._has_begun = False
        self._is_early = True
        self._waiters = Waiters()
        self.ending: Close | None = None
        """What the application was told of the end."""
        stream.resume_reading()

    # Called by the stream, until the application has accepted

    def bytes_received(self, data: bytes) -> None:
        """Keep what a client should not have sent yet (RFC 6455 §4.1), and let it wait."""
        self._early += data
        self._stream.pause_reading()

    def end_received(self) -> None:
        """A client that ends before it was answered is not waiting for an answer."""
        self._stream.close()

    def writing_resumed(self) -> None:
        """Nothing was written."""

    def stream_lost(self, error: Exception | None) -> None:
        """Nobody is there any more."""
        self._set_stage(Stage.GONE)
        tell_loss(self._setting)

    # Called by the application

    async def receive(self) -> Message:
        """Give the next message of the client's."""
        if self._is_early:
            return await self._receive_early()
        assert self._connection is not None
        try:
            data = await self._connection.recv()
        except ConnectionClosed as error:
            self.ending = outcome(error)
            return disconnect(self.ending)
        return {"type": "websocket.receive", "text" if isinstance(data, str) else "bytes": data}

    async def _receive_early(self) -> Message:
        if not self._has_begun:
            self._has_begun = True
            self._is_early = self._connection is None
            return {"type": "websocket.connect"}
        while self._is_early:
            if self._stage in (Stage.OVER, Stage.GONE):
                self.ending = NOT_CONNECTED
                return disconnect(NOT_CONNECTED)
            await self._waiters.wait()
        return await self.receive()

    async def send(self, message: Message) -> None:
        """Take a message of the application's; wait while much is unsent.

        Raises:
            ClientDisconnected: the client is gone.
            RuntimeError: ASGI does not foresee this message here.
            TypeError, ValueError: it says what cannot be sent.
        """
        if self._stage is not Stage.OPEN or message["type"] != "websocket.send":
            self._send_seldom(message)
            return
        assert self._connection is not None
        data: Any = message.get("bytes")
        if data is None:
            data = message.get("text")
        try:
            await self._connection.send(data)
        except ConnectionClosed as error:
            raise ClientDisconnected(str(error)) from error

    def _send_seldom(self, message: Message) -> None:
        match self._stage, message["type"]:
            case Stage.GONE, _:
                raise ClientDisconnected("the client is gone")
            case Stage.CONNECTING, "websocket.accept":
                self._accept(message)
            case Stage.CONNECTING, "websocket.close":
                self._refuse(REFUSED, Stage.OVER)
            case Stage.CONNECTING, "websocket.http.response.start":
                self._denial.start(message)
                self._stage = Stage.DENYING
            case Stage.DENYING, "websocket.http.response.body":
                self._deny(message)
            case Stage.OPEN, "websocket.close":
                self._close(message)
            case _:
                kind, expected = message["type"], EXPECTED[self._stage]
                raise RuntimeError(f"ASGI message {kind!r} is out of place: {expected}")

    def _accept(self, message: Message) -> None:
        subprotocol = message.get("subprotocol")
        if subprotocol is not None and subprotocol not in self._opening.subprotocols:
            raise ValueError(f"accepted subprotocol {subprotocol!r} was not offered")
        response = self._opening.response
        headers = Headers(response.headers)
        if subprotocol is not None:
            headers["Sec-WebSocket-Protocol"] = subprotocol
        for name, value in decoded((*self._default_headers, *(message.get("headers") or ()))):
            add_unreserved(headers, name, value)
        self._tell("[accepted]")
        self._stream.write(replace(response, headers=headers).serialize())
        kind = connection_type(ServerConnection, self._stream)
        self._connection = kind(self._setting, self._stream)
        self._is_early = not self._has_begun
        self._set_stage(Stage.OPEN)
        agreement = replace(self._opening.agreement, subprotocol=subprotocol)
        self._connection.open(agreement, None, self._early)

    def _deny(self, message: Message) -> None:
        if self._denial.add(message):
            self._answer(self._denial.response(self._default_headers), Stage.OVER)

    def _close(self, message: Message) -> None:
        assert self._connection is not None
        code = message.get("code", CloseCode.NORMAL_CLOSURE)
        self._connection.close_soon(code, message.get("reason") or "")
        self._stage = Stage.OVER

    # Called by the server

    def shut_down(self) -> None:
        """Ask the client to come back to another process."""
        if self._stage in (Stage.CONNECTING, Stage.DENYING):
            self._refuse(shutting_down(), Stage.GONE)
        elif self._connection is not None:
            self._connection.close_soon(CloseCode.SERVICE_RESTART)

    # Called when the application has ended

    def finish(self, code: CloseCode) -> bool:
        """End what the application has left open; say whether it has left the client unanswered.

        Args:
            code: for a connection.
        """
        if self._stage in (Stage.CONNECTING, Stage.DENYING):
            self._refuse(FAILED, Stage.OVER)
            return True
        if self._connection is not None:
            self._connection.close_soon(code)
        return False

    # Answering

    def _refuse(self, refused: RequestRefused, stage: Stage) -> None:
        self._answer(refusal_of(refused, self._default_headers), stage)

    def _answer(self, response: Response, stage: Stage) -> None:
        self._tell(str(response.status_code))
        Refusal(self._setting, self._stream, response)
        self._set_stage(stage)

    def _set_stage(self, stage: Stage) -> None:
        self._stage = stage
        self._waiters.wake()


EXPECTED = {
    Stage.CONNECTING: (
        "'websocket.accept', 'websocket.close' or 'websocket.http.response.start' comes first"
    ),
    Stage.DENYING: "'websocket.http.response.body' follows 'websocket.http.response.start'",
    Stage.OPEN: "'websocket.send' and 'websocket.close' follow 'websocket.accept'",
    Stage.OVER: "nothing follows 'websocket.close' or the end of a response",
}


def outcome(error: ConnectionClosed) -> Close:
    """Give what was said by whoever ended the connection; 1006 where nothing was."""
    said = error.sent if error.closer is Closer.LOCAL else error.rcvd
    return said or Close(CloseCode.ABNORMAL_CLOSURE, error.reason)


def disconnect(close: Close) -> Message:
    """Make the last message for an application."""
    return {"type": "websocket.disconnect", "code": int(close.code), "reason": close.reason}
