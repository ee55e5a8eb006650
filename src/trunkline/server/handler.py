"""The kinds of handlers that `serve()` takes."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeGuard, cast

from trunkline.connection.events import Events, has_yield
from trunkline.protocol.http1 import Request
from trunkline.server.connection import ServerConnection

CoroutineHandler = Callable[[ServerConnection], Awaitable[None]]
EventsFactory = Callable[[Request], Events]
EventsSource = type[Events] | Events | EventsFactory
Handler = CoroutineHandler | type[Events] | Events | EventsFactory
"""A coroutine function, or a function that wraps one as `functools.wraps()` does; a subclass of
`Events`, an instance of one for all connections, or a function from the request to `Events`."""


def is_coroutine_function(handler: object) -> bool:
    """Whether calling `handler` gives a coroutine; so it is taken to do where it wraps one."""
    if isinstance(handler, type):
        return False
    wrapped = inspect.unwrap(cast(Callable[..., Any], handler))
    return any(map(inspect.iscoroutinefunction, (handler, call_of(handler), wrapped)))


def call_of(handler: object) -> object:
    """Give what runs when an object is called that is no function."""
    return getattr(handler, "__call__", None)  # noqa: B004


def check_runs(handler: object) -> None:
    """Refuse a function of which nothing would run.

    Raises:
        TypeError: it has a `yield`.
    """
    if has_yield(handler) or has_yield(call_of(handler)):
        raise TypeError(f"{handler!r} has a yield, so that calling it runs nothing")


def as_coroutine(handler: Handler) -> CoroutineHandler | None:
    """Give the handler if it is a coroutine function."""
    return cast(CoroutineHandler, handler) if is_coroutine_function(handler) else None


def as_source(handler: Handler) -> EventsSource | None:
    """Give the handler if `Events` come from it.

    Raises:
        TypeError: it is not a handler of any kind.
    """
    check_runs(handler)
    if is_coroutine_function(handler):
        return None
    if isinstance(handler, type) and not issubclass(handler, Events):
        raise TypeError(f"{handler!r} is not a subclass of Events")
    if not isinstance(handler, Events) and not callable(handler):
        raise TypeError(f"{handler!r} is not a handler: it cannot be called")
    return cast(EventsSource, handler)


def is_plain_class(source: EventsSource) -> TypeGuard[type[Events]]:
    """Whether calling `source` gives an instance of it, without a look at the request."""
    if not isinstance(source, type):
        return False
    new: object = source.__new__
    return new is object.__new__ and type(source).__call__ is type.__call__


def make_events(source: EventsSource, request: Request) -> Events:
    """Give the events of one connection; raise `TypeError` where the source gives others."""
    if isinstance(source, Events):
        return source
    events: object = source() if isinstance(source, type) else source(request)
    if isinstance(events, Events):
        return events
    problem = f"{source!r} gave {events!r} for a request, not Events"
    if inspect.iscoroutine(events):
        events.close()
        problem += "; make it an async def, or have its decorator use functools.wraps()"
    raise TypeError(problem)
