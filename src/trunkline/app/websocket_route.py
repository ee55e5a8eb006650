"""A WebSocket behind a path."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from trunkline.app.invalid import Invalid
from trunkline.app.policy import AppAuthenticator
from trunkline.app.routes import Route
from trunkline.app.schema import Schema
from trunkline.auth.authenticator import TokenAuthenticator
from trunkline.connection.events import Events
from trunkline.limits import Limits
from trunkline.protocol.http1 import Request
from trunkline.server.handler import (
    CoroutineHandler,
    EventsSource,
    as_coroutine,
    as_source,
    is_plain_class,
    make_events,
)
from trunkline.server.origin import Origins


@dataclass(frozen=True, slots=True)
class WebSocketRoute(Route):
    """A handler, and where its policy is its own.

    Args:
        handler: a coroutine function that takes a connection and, by their names, parameters of
            the path; a subclass of `Events`, an instance of one, or a function from the opening
            request to `Events`.
        origins: pages that may connect.
        authenticator: says who somebody is.
        limits: of each connection.
        subprotocols: supported ones, the preferred one first.
        schema: what messages must be; `None` for any.
        invalid: what becomes of those that are not.
    """

    handler: Any
    origins: Origins
    authenticator: AppAuthenticator
    limits: Limits
    subprotocols: Sequence[str] = ()
    schema: Schema | None = None
    invalid: Invalid = Invalid.REPLY

    @property
    def token_authenticator(self) -> TokenAuthenticator | None:
        """Who judges tokens in messages; `None` where nobody has to say who they are."""
        return self.authenticator

    @property
    def is_coroutine(self) -> bool:
        """Whether the handler is a coroutine function."""
        return as_coroutine(self.handler) is not None

    def coroutine(self, params: Mapping[str, Any]) -> CoroutineHandler | None:
        """Give the handler with its parameters, where it is a coroutine function."""
        handler = as_coroutine(self.handler)
        if handler is None:
            return None
        wanted = accepted(handler, params)
        return partial(handler, **wanted) if wanted else handler

    def events(self, request: Request, params: Mapping[str, Any]) -> Events | None:
        """Make what takes the messages, where that is `Events`."""
        source: EventsSource | None = as_source(self.handler)
        if source is None:
            return None
        if is_plain_class(source):
            return source(**accepted(source.__init__, params))
        return make_events(source, request)


def accepted(function: Callable[..., Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """Give those parameters that a function takes by their names."""
    if not params:
        return {}
    taken = inspect.signature(function).parameters
    takes_all = any(each.kind is each.VAR_KEYWORD for each in taken.values())
    if function is object.__init__:
        return {}
    return {name: value for name, value in params.items() if takes_all or name in taken}


def check_parameters(handler: Any, names: frozenset[str], template: str) -> None:
    """Refuse a coroutine function that needs a parameter which its path does not have.

    Raises:
        TypeError: it would fail at every request.
    """
    if as_coroutine(handler) is None:
        return
    _, *others = inspect.signature(handler).parameters.values()
    for each in others:
        is_needed = each.default is each.empty and each.kind in (
            each.POSITIONAL_OR_KEYWORD,
            each.KEYWORD_ONLY,
        )
        if is_needed and each.name not in names:
            raise TypeError(f"{handler.__qualname__}() needs {each.name!r}, not in {template!r}")
