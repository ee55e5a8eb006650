"""The kinds of handlers that `serve()` takes."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import cast

from trunkline.connection.events import Events
from trunkline.protocol.http1 import Request
from trunkline.server.connection import ServerConnection

CoroutineHandler = Callable[[ServerConnection], Awaitable[None]]
EventsFactory = Callable[[Request], Events]
Handler = CoroutineHandler | type[Events] | Events | EventsFactory
"""A coroutine function, a subclass of `Events`, an instance of one for all connections, or a
function from the request to `Events`."""


def is_coroutine_function(handler: object) -> bool:
    """Whether calling `handler` gives a coroutine; objects with an async `__call__` count."""
    if isinstance(handler, type):
        return False
    call = getattr(handler, "__call__", None)  # noqa: B004
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(call)


def as_coroutine(handler: Handler) -> CoroutineHandler | None:
    """Give the handler if it is a coroutine function."""
    return cast(CoroutineHandler, handler) if is_coroutine_function(handler) else None


def as_factory(handler: Handler) -> EventsFactory | None:
    """Give the function that makes `Events` for a request, if the handler is one or can be.

    Raises:
        TypeError: it is not a handler of any kind.
    """
    if is_coroutine_function(handler):
        return None
    if isinstance(handler, Events):
        shared = handler
        return lambda request: shared
    if isinstance(handler, type):
        if not issubclass(handler, Events):
            raise TypeError(f"{handler!r} is not a subclass of Events")
        kind = handler
        return lambda request: kind()
    if not callable(handler):
        raise TypeError(f"{handler!r} is not a handler: it cannot be called")
    return cast(EventsFactory, handler)


def make_events(factory: EventsFactory, request: Request) -> Events:
    """Make the events of one connection; raise `TypeError` where the function gives others."""
    events: object = factory(request)
    if isinstance(events, Events):
        return events
    if inspect.iscoroutine(events):
        events.close()
    raise TypeError(f"the handler gave {events!r} for a request, not Events; is it an async def?")
