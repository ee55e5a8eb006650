"""Messages for a coroutine, looked at before it has them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

from trunkline.app.connection import AppConnection
from trunkline.app.messages.screen import TAKEN, Screen
from trunkline.connection.connection import Connection
from trunkline.connection.consumer import Data
from trunkline.server.handler import CoroutineHandler


class ScreenedConnection(AppConnection):
    """A connection whose messages are looked at before its handler has them."""

    screen: Screen

    # Few need these: as long as nobody does, they take nothing.
    _judging: asyncio.Task[bool] | None = None
    _is_held = False
    _is_paused = False
    is_dismissed = False
    """Whether nothing that the peer has sent is for the handler any more; not for users."""

    # Receiving

    async def recv(self, decode: bool | None = None) -> Any:
        """Receive the next message that is for the handler."""
        while True:
            await self._settle()
            message = self._look_at(await super().recv(decode))
            if message is not TAKEN:
                return message

    async def _settle(self) -> None:
        """Wait for what becomes of a token; whoever waits may be cancelled, the judging is not.

        Raises:
            ConnectionClosed: it was nobody's: what follows it is not for the handler.
        """
        if self._judging is not None:
            if not await asyncio.shield(self._judging):
                raise self.closed()
            self._judging = None

    def _look_at(self, data: Data) -> Any:
        token = self.screen.token_in(data)
        if token is None:
            return self.screen.read(self, data)
        judging = self.screen.accept(token)
        self._judging = asyncio.get_running_loop().create_task(judging)
        return TAKEN

    async def introduce(self) -> bool:
        """Take the first message for a token; say whether it tells who is there."""
        token = self.screen.token_in(await super().recv())
        if token is not None:
            return await self.screen.accept(token)
        self.screen.refuse()
        return False

    # The lane has one of its own, which gives messages that nobody has looked at.
    __anext__ = Connection.__anext__

    def pause_reading(self) -> None:
        """Let the peer wait, where messages go to `Events`."""
        self._is_paused = True
        super().pause_reading()

    def resume_reading(self) -> None:
        """Listen again after `pause_reading()`, unless a token is being judged."""
        self._is_paused = False
        if not self._is_held:
            super().resume_reading()

    def hold(self) -> None:
        """Let the peer wait until `release()`, whatever the user's events say meanwhile."""
        self._is_held = True
        super().pause_reading()

    def release(self) -> None:
        """Listen again, unless the user's events let the peer wait."""
        self._is_held = False
        if not self._is_paused:
            super().resume_reading()

    # Closing

    def dismiss(self, code: int, reason: str = "") -> None:
        """Close, and drop also what waits behind a token that is being judged."""
        super().dismiss(code, reason)
        self.is_dismissed = True

    # Sending

    def send(self, message: Any, *args: Any, **named: Any) -> Any:
        """Send a message; an object of a type of messages is written as JSON."""
        return super().send(self.screen.write(message), *args, **named)

    def send_soon(self, message: Any, *args: Any, **named: Any) -> None:
        """Send a message without waiting; otherwise as `send()`."""
        super().send_soon(self.screen.write(message), *args, **named)


kinds: dict[type[AppConnection], type[ScreenedConnection]] = {AppConnection: ScreenedConnection}


def screened(kind: type[AppConnection]) -> type[ScreenedConnection]:
    """Give the class of connections that are looked at, with or without a fast lane."""
    if kind not in kinds:
        made = type(kind.__name__, (ScreenedConnection, kind), {"__doc__": kind.__doc__})
        kinds[kind] = cast(type[ScreenedConnection], made)
    return kinds[kind]


def after_token(handler: CoroutineHandler) -> Callable[[Any], Awaitable[None]]:
    """Give a handler that begins when the first message has told who is there."""

    async def begin(ws: ScreenedConnection) -> None:
        try:
            async with asyncio.timeout(ws.screen.patience):
                is_known = await ws.introduce()
        except TimeoutError:
            ws.screen.give_up()
            return
        if is_known:
            await handler(ws)

    return begin
