"""Messages for a coroutine, looked at before it has them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

from trunkline.app.connection import AppConnection
from trunkline.app.schema import is_value
from trunkline.app.screen import TAKEN, Screen
from trunkline.connection.consumer import Data
from trunkline.errors import ConnectionClosed, ConnectionClosedOK
from trunkline.server.handler import CoroutineHandler


class ScreenedConnection(AppConnection):
    """A connection whose messages are looked at before its handler has them."""

    screen: Screen

    async def recv(self, decode: bool | None = None) -> Any:
        """Receive the next message that is for the handler."""
        while True:
            data = await super().recv(decode)
            message = await self._look_at(data)
            if message is not TAKEN:
                return message

    async def _look_at(self, data: Data) -> Any:
        token = self.screen.token_in(data)
        if token is not None:
            await self.screen.accept(token)
            return TAKEN
        if self.screen.token_follows:
            self.screen.refuse(self)
            return TAKEN
        return self.screen.read(self, data)

    async def __anext__(self) -> Any:
        """Give the next message; end where both sides have said goodbye."""
        try:
            return await self.recv()
        except ConnectionClosedOK:
            raise StopAsyncIteration from None
        except ConnectionClosed:
            if self.ends_quietly:
                raise StopAsyncIteration from None
            raise

    def send(self, message: Any, *args: Any, **named: Any) -> Any:
        """Send a message; an object of the route's schema is written as it says."""
        return super().send(self._written(message), *args, **named)

    def send_soon(self, message: Any, *args: Any, **named: Any) -> None:
        """Send a message without waiting; otherwise as `send()`."""
        super().send_soon(self._written(message), *args, **named)

    def _written(self, message: Any) -> Any:
        schema = self.screen.schema
        return schema.encode(message) if schema is not None and is_value(message) else message


kinds: dict[type[AppConnection], type[ScreenedConnection]] = {AppConnection: ScreenedConnection}


def screened(kind: type[AppConnection]) -> type[ScreenedConnection]:
    """Give the class of connections that are looked at, with or without a fast lane."""
    if kind not in kinds:
        made = type(kind.__name__, (ScreenedConnection, kind), {"__doc__": kind.__doc__})
        kinds[kind] = cast(type[ScreenedConnection], made)
    return kinds[kind]


def after_token(
    screen: Screen, handler: CoroutineHandler, timeout: float | None
) -> Callable[[Any], Awaitable[None]]:
    """Give a handler that begins when the first message has told who is there."""

    async def begin(ws: ScreenedConnection) -> None:
        try:
            async with asyncio.timeout(timeout):
                token = screen.token_in(await super(ScreenedConnection, ws).recv())
        except TimeoutError:
            token = None
        if token is None:
            screen.refuse(ws)
        elif await screen.accept(token):
            await handler(ws)

    return begin
