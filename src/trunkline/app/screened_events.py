"""Messages for `Events`, looked at before they have them."""

from __future__ import annotations

import asyncio

from trunkline.app.screen import TAKEN, Screen
from trunkline.connection.connection import Connection
from trunkline.connection.consumer import Data
from trunkline.connection.events import Events
from trunkline.connection.state import State


class ScreenedEvents(Events):
    """Hands on what is for the user's events; what comes while a token is judged waits.

    Args:
        screen: looks at the messages.
        events: the user's.
    """

    def __init__(self, screen: Screen, events: Events) -> None:
        self._screen = screen
        self._events = events
        self._waiting: list[Data] = []
        self._judging: asyncio.Task[None] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._is_open = False

    def on_open(self, ws: Connection) -> None:
        """Open, unless it is not known yet who is there."""
        if not self._screen.token_follows:
            self._open(ws)
            return
        timeout = self._screen.visit.service.policy.limits.open_timeout
        if timeout is not None:
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(timeout, self._screen.refuse, ws)

    def _open(self, ws: Connection) -> None:
        self._is_open = True
        self._events.on_open(ws)

    def on_message(self, ws: Connection, data: Data) -> None:
        """Look at a message, unless one before it is being judged."""
        if self._judging is not None:
            self._waiting.append(data)
            return
        token = self._screen.token_in(data)
        if token is not None:
            ws.pause_reading()
            self._judging = asyncio.get_running_loop().create_task(self._judge(ws, token))
        elif self._screen.token_follows:
            self._screen.refuse(ws)
        else:
            message = self._screen.read(ws, data)
            if message is not TAKEN:
                self._events.on_message(ws, message)

    async def _judge(self, ws: Connection, token: str) -> None:
        is_accepted = await self._screen.accept(token)
        self._judging = None
        self._stop_waiting()
        if not is_accepted or ws.state is State.CLOSED:
            return
        if not self._is_open:
            self._open(ws)
        waiting, self._waiting = self._waiting, []
        for data in waiting:
            self.on_message(ws, data)
        ws.resume_reading()

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def on_close(self, ws: Connection, code: int, reason: str, was_clean: bool) -> None:
        """Tell of the end, to whom was told of the beginning."""
        self._stop_waiting()
        if self._judging is not None:
            self._judging.cancel()
        if self._is_open:
            self._events.on_close(ws, code, reason, was_clean)

    def on_error(self, ws: Connection, error: Exception) -> None:
        """Tell of an end that is not well."""
        if self._is_open:
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
