"""The worker's end of the connection with its supervisor."""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, Self

from trunkline.app.running.workers.message import Lines, Message, Say, encode

BYTES_READ = 64 * 1024


class Control:
    """Tells and asks the supervisor, and hears what it says.

    Args:
        reader: of the connection.
        writer: of the connection.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._ids = itertools.count(1)
        self._asked: dict[int, asyncio.Future[Message]] = {}
        self._is_gone = False

    @classmethod
    async def open(cls, sock: socket.socket) -> Self:
        """Take the worker's end."""
        return cls(*await asyncio.open_unix_connection(sock=sock))

    def tell(self, say: Say, **what: Any) -> None:
        """Say something; nobody hears it where the supervisor has gone."""
        self._writer.write(encode(say, **what))

    async def ask(self, say: Say, **what: Any) -> Message:
        """Ask something, and give the answer.

        Raises:
            ConnectionError: the supervisor has gone.
        """
        if self._is_gone:
            raise ConnectionError("the supervisor has gone")
        number = next(self._ids)
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        self.tell(say, id=number, **what)
        try:
            return await answer
        finally:
            del self._asked[number]

    async def messages(self) -> AsyncIterator[Message]:
        """Give what the supervisor says, until it has gone; answers go to who has asked."""
        lines = Lines()
        while data := await self._read():
            for message in lines.feed(data):
                if message["say"] == Say.ANSWER:
                    self._answered(message)
                else:
                    yield message
        self._is_gone = True
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(ConnectionError("the supervisor has gone"))

    async def _read(self) -> bytes:
        try:
            return await self._reader.read(BYTES_READ)
        except OSError:  # the supervisor has gone with something unread
            return b""

    def _answered(self, message: Message) -> None:
        answer = self._asked.get(message["id"])
        # Who has asked may not want to know any more.
        if answer is not None and not answer.done():
            answer.set_result(message)

    async def close(self) -> None:
        """Send what is unsent, and let go."""
        self._writer.close()
        with suppress(OSError):  # the supervisor has gone
            await self._writer.wait_closed()
