"""A worker's end, with the test in place of the supervisor."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from trunkline.app.running.workers.control import Control
from trunkline.app.running.workers.message import Lines, Message, Say, encode


class Boss:
    """The other end of a control connection."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.sock = sock
        self._lines = Lines()
        self._heard: list[Message] = []

    async def hear(self) -> Message:
        """Wait for a message."""
        loop = asyncio.get_running_loop()
        while not self._heard:
            self._heard += self._lines.feed(await loop.sock_recv(self.sock, 65536))
        return self._heard.pop(0)

    def tell(self, say: Say, **what: Any) -> None:
        """Say something."""
        self.sock.send(encode(say, **what))

    async def answer(self, **what: Any) -> Message:
        """Wait for a question, and answer it; give the question."""
        question = await self.hear()
        self.tell(Say.ANSWER, id=question["id"], **what)
        return question


@asynccontextmanager
async def controlled() -> AsyncIterator[tuple[Control, Boss, list[Message]]]:
    """Give both ends, and the messages that come to the worker."""
    ours, theirs = socket.socketpair()
    control = await Control.open(theirs)
    messages: list[Message] = []

    async def listen() -> None:
        async for message in control.messages():
            messages.append(message)

    listening = asyncio.create_task(listen())
    async with asyncio.timeout(20.0):
        with ours:
            yield control, Boss(ours), messages
        await listening
        await control.close()
