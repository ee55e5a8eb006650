"""A handler at work: one coroutine for one connection."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from trunkline.close_codes import CloseCode
from trunkline.connection.state import State
from trunkline.errors import ConnectionClosed, RequestRefused
from trunkline.server.connection import ServerConnection
from trunkline.server.watch import Watch

Coroutine = Callable[[ServerConnection], Awaitable[None]]


class Conversation:
    """The task in which the user's coroutine function runs, from its beginning to its end.

    It holds nothing of the opening handshake, so that nothing of it stays for as long as the
    conversation lasts.

    Args:
        watch: told of the end.
        connection: open; it is closed when the handler has ended.
        coroutine: the handler.
        logger: told of its exceptions.
    """

    __slots__ = ("_connection", "_watch", "task")

    def __init__(
        self,
        watch: Watch,
        connection: ServerConnection,
        coroutine: Coroutine,
        logger: logging.Logger,
    ) -> None:
        self._watch = watch
        self._connection = connection
        watch.openings.add(self)
        work = converse(coroutine, connection, logger)
        self.task: asyncio.Task[None] | None = asyncio.get_running_loop().create_task(work)
        self.task.add_done_callback(self._task_done)

    def refuse(self, refused: RequestRefused) -> None:
        """Too late: it has been accepted."""

    def cut(self) -> None:
        """Let go of the connection, and cancel the handler."""
        self._connection.abort()
        assert self.task is not None
        self.task.cancel()

    def _task_done(self, task: asyncio.Task[None]) -> None:
        self._watch.finished(self)


async def converse(
    coroutine: Coroutine, connection: ServerConnection, logger: logging.Logger
) -> None:
    """Run the handler, and close the connection after it."""
    try:
        await coroutine(connection)
    except asyncio.CancelledError:
        connection.close_soon(CloseCode.GOING_AWAY)
        raise
    except Exception as error:
        # While this connection is open, it was another one that closed.
        if isinstance(error, ConnectionClosed) and connection.state is not State.OPEN:
            logger.debug("handler ended: %s", error)
        else:
            logger.exception("connection handler failed")
            connection.close_soon(CloseCode.INTERNAL_ERROR)
    await connection.close()
