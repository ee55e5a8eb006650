"""An ASGI application at work: one call of it, for one connection."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

from trunkline import native
from trunkline.close_codes import CloseCode
from trunkline.connection.mistake import MISTAKES
from trunkline.engines.engine import Stream
from trunkline.integrations.exchange import ClientDisconnected, Exchange
from trunkline.integrations.interface import Application, Scope

if TYPE_CHECKING or native.AVAILABLE:
    from trunkline.native.conversation import Conversation as Compiled
    from trunkline.native.stream import Stream as NativeStream


def work_for(
    application: Application,
    scope: Scope,
    exchange: Exchange,
    stream: Stream,
    logger: logging.Logger,
) -> Coroutine[Any, None, None]:
    """Give what a task runs: stepped by compiled code, where the stream is native.

    Args:
        application: is called once.
        scope: what it is called with.
        exchange: its messages.
        stream: of the exchange.
        logger: told of its exceptions.
    """

    def call(exchange: Exchange) -> Awaitable[None]:
        return application(scope, exchange.receive, exchange.send)

    if native.AVAILABLE and isinstance(stream, NativeStream):
        return Compiled(call, exchange, logger, conclude)
    return perform(call, exchange, logger)


async def perform(
    call: Callable[[Exchange], Awaitable[None]], exchange: Exchange, logger: logging.Logger
) -> None:
    """Call an application, and end what it leaves open."""
    failure = None
    try:
        await call(exchange)
    except (*MISTAKES, asyncio.CancelledError) as error:
        failure = error
    await conclude(exchange, logger, failure)


async def conclude(
    exchange: Exchange, logger: logging.Logger, failure: BaseException | None
) -> None:
    """End what an application leaves open, which has failed or ended well."""
    if isinstance(failure, asyncio.CancelledError):
        exchange.finish(CloseCode.GOING_AWAY)
        raise failure
    if failure is None or isinstance(failure, ClientDisconnected):
        if exchange.finish(CloseCode.NORMAL_CLOSURE):
            logger.error("ASGI application returned without an answer to the client")
    elif exchange.ending is not None and getattr(failure, "code", None) == exchange.ending.code:
        # Frameworks raise what was told, and nobody need catch it.
        logger.debug("ASGI application ended with its client: %r", failure)
    else:
        logger.error("Exception in ASGI application", exc_info=failure)
        exchange.finish(CloseCode.INTERNAL_ERROR)
