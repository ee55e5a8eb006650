"""A handler at work: one coroutine for one connection."""

from __future__ import annotations

import asyncio
import collections.abc
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from trunkline import native
from trunkline.close_codes import CloseCode
from trunkline.connection.mistake import MISTAKES, log_mistake
from trunkline.connection.state import State
from trunkline.errors import ConnectionClosed, RequestRefused
from trunkline.server.connection import ServerConnection
from trunkline.server.watch import Watch

if TYPE_CHECKING or native.AVAILABLE:
    from trunkline.native.conversation import Conversation as Compiled
    from trunkline.native.lane import Lane

Coroutine = Callable[[ServerConnection], Awaitable[None]]


class Conversation:
    """The task in which the user's coroutine function runs, from its beginning to its end.

    It holds nothing of the opening handshake, so that nothing of it stays for as long as the
    conversation lasts. The task is named after the coroutine function.

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
        work = work_for(coroutine, connection, logger)
        # A name, a context and a bound method for each connection would take 200 bytes.
        name = getattr(coroutine, "__qualname__", None)
        self.task: asyncio.Task[None] | None = asyncio.get_running_loop().create_task(
            work, name=name
        )
        self.task.add_done_callback(self, context=watch.context)

    def refuse(self, refused: RequestRefused) -> None:
        """Too late: it has been accepted."""

    def cut(self) -> None:
        """Let go of the connection, and cancel the handler."""
        self._connection.abort()
        assert self.task is not None
        self.task.cancel()

    def __call__(self, task: asyncio.Task[None]) -> None:
        """Take note that the task is done."""
        self._watch.finished(self)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._failed(error)

    def _failed(self, error: BaseException) -> None:
        """Close behind what is no `Exception`: it went past all that would have closed."""
        logger = self._connection.logger
        if not isinstance(error, KeyboardInterrupt | SystemExit):  # the loop has told of these
            logger.error("connection handler failed", exc_info=error)
        self._connection.close_soon(CloseCode.INTERNAL_ERROR)


def work_for(
    coroutine: Coroutine, connection: ServerConnection, logger: logging.Logger
) -> collections.abc.Coroutine[Any, None, None]:
    """Give what the task runs: compiled, where the connection is."""
    if native.AVAILABLE and isinstance(connection, Lane):
        return Compiled(coroutine, connection, logger, conclude)
    return converse(coroutine, connection, logger)


async def converse(
    coroutine: Coroutine, connection: ServerConnection, logger: logging.Logger
) -> None:
    """Run the handler, and close the connection after it."""
    failure = None
    try:
        await coroutine(connection)
    except (*MISTAKES, asyncio.CancelledError) as error:
        failure = error
    await conclude(connection, logger, failure)


async def conclude(
    connection: ServerConnection, logger: logging.Logger, failure: BaseException | None
) -> None:
    """Close the connection after its handler, which has failed or ended well."""
    if isinstance(failure, asyncio.CancelledError):
        connection.close_soon(CloseCode.GOING_AWAY)
        raise failure
    # While this connection is open, it was another one that closed.
    if isinstance(failure, ConnectionClosed) and connection.state is not State.OPEN:
        logger.debug("handler ended: %s", failure)
    elif failure is not None:
        log_mistake(logger, "connection handler", failure)
        connection.close_soon(CloseCode.INTERNAL_ERROR)
    await connection.close()
