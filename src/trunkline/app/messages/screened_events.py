"""Messages for `Events`, looked at before they have them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import cast

from trunkline.app.messages.screen import TAKEN, Screen
from trunkline.app.messages.screened_connection import ScreenedConnection
from trunkline.close_codes import CloseCode
from trunkline.connection.connection import Connection
from trunkline.connection.consumer import Data
from trunkline.connection.events import Events
from trunkline.connection.mistake import MISTAKES, log_mistake
from trunkline.connection.state import State
from trunkline.errors import Closer


class ScreenedEvents(Events):
    """Hands on what is for the user's events; what happens while a token is judged waits.

    Args:
        screen: looks at the messages.
        events: the user's.
    """

    def __init__(self, screen: Screen, events: Events) -> None:
        self._screen = screen
        self._events = events
        self._waiting: list[Callable[[], None]] = []
        self._judging: asyncio.Task[None] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._is_open = False
        self._is_over = False

    # Beginning

    def on_open(self, ws: Connection) -> None:
        """Open, unless it is not known yet who is there."""
        if not self._screen.token_follows:
            self._open(ws)
        elif self._screen.patience is not None:
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(self._screen.patience, self._give_up)

    def _open(self, ws: Connection) -> None:
        self._is_open = True
        self._events.on_open(ws)

    def _give_up(self) -> None:
        self._stop_judging()
        self._screen.give_up()

    def _stop_judging(self) -> None:
        if self._judging is not None:
            self._judging.cancel()
            self._judging = None

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    # Messages

    def on_message(self, ws: Connection, data: Data) -> None:
        """Look at a message, unless one before it is being judged."""
        if self._judging is not None:
            self._waiting.append(partial(self._late_message, ws, data))
            return
        token = self._screen.token_in(data)
        if token is not None:
            cast(ScreenedConnection, ws).hold()
            self._judging = asyncio.get_running_loop().create_task(self._judge(ws, token))
        elif self._screen.token_follows:
            self._screen.refuse()
        else:
            message = self._screen.read(ws, data)
            if message is not TAKEN:
                self._events.on_message(ws, message)

    def _late_message(self, ws: Connection, data: Data) -> None:
        if cast(ScreenedConnection, ws).is_dismissed:
            ws._setting.traffic.discarded += 1
            return
        # Whoever has said goodbye listens no longer; what came before the peer's goodbye counts.
        is_listening = ws.state is State.OPEN or ws.closed().closer is not Closer.LOCAL
        if is_listening and not self._is_over:
            self.on_message(ws, data)

    async def _judge(self, ws: Connection, token: str) -> None:
        is_accepted = await self._screen.accept(token)
        self._judging = None
        self._stop_waiting()
        self._is_over = not is_accepted
        if is_accepted and not self._is_open:
            self._call(ws, partial(self._open, ws))
        waiting, self._waiting = self._waiting, []
        for late in waiting:
            self._call(ws, late)
        if self._judging is None:
            cast(ScreenedConnection, ws).release()

    def _call(self, ws: Connection, late: Callable[[], None]) -> None:
        """Do what has waited; a mistake in it ends this connection, as it would have at once."""
        try:
            late()
        except MISTAKES as error:
            log_mistake(ws.logger, type(self._events).__qualname__, error)
            ws.close_soon(CloseCode.INTERNAL_ERROR)
            self._is_over = True

    # The end, and what else happens

    def on_close(self, ws: Connection, code: int, reason: str, was_clean: bool) -> None:
        """Tell of the end, to whom was told of the beginning."""
        if self._judging is not None:
            self._waiting.append(partial(self.on_close, ws, code, reason, was_clean))
            return
        self._stop_waiting()
        if self._is_open:
            self._events.on_close(ws, code, reason, was_clean)

    def on_error(self, ws: Connection, error: Exception) -> None:
        """Tell of an end that is not well."""
        if self._judging is not None:
            self._waiting.append(partial(self.on_error, ws, error))
        elif self._is_open:
            self._events.on_error(ws, error)

    def on_drain(self, ws: Connection) -> None:
        """Tell that there is room again."""
        if self._is_open:
            self._events.on_drain(ws)

    def on_ping(self, ws: Connection, data: bytes) -> None:
        """Tell of a ping."""
        if self._is_open:
            self._events.on_ping(ws, data)

    def on_pong(self, ws: Connection, data: bytes) -> None:
        """Tell of a pong."""
        if self._is_open:
            self._events.on_pong(ws, data)
