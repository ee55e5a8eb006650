"""Who takes the messages of a route."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from inspect import cleandoc
from typing import Any, Self, cast

from trunkline.app.routing.parameters import choose, parameters_of
from trunkline.app.routing.path import Path
from trunkline.connection.events import Events
from trunkline.protocol.http1 import Request
from trunkline.server.handler import (
    CoroutineHandler,
    EventsSource,
    Handler,
    as_coroutine,
    as_source,
    make_events,
)


@dataclass(frozen=True, slots=True)
class RouteHandler:
    """A handler of any kind, and the parameters of its path that it takes.

    Args:
        function: the handler, where it is a coroutine function.
        source: the handler, where `Events` come from it.
        taken: names of parameters.
    """

    function: CoroutineHandler | None
    source: EventsSource | None
    taken: frozenset[str]

    @classmethod
    def of(cls, handler: Handler | Callable[..., Any], path: Path) -> Self:
        """Look at a handler once, for all requests.

        Args:
            handler: a coroutine function that takes a connection; a subclass of `Events`, or a
                function from the opening request to `Events`: each takes parameters of the path
                by their names; or an instance of `Events`, for all connections.
            path: has the parameters.

        Raises:
            TypeError: it is no handler, or cannot be called for this path.
        """
        function, source = as_coroutine(handler), as_source(handler)
        if function is not None:
            return cls(function, None, parameters_of(function, path, "connection"))
        if isinstance(source, Events):
            return cls(None, source, frozenset())
        assert source is not None
        given = () if isinstance(source, type) else ("request",)
        return cls(None, source, parameters_of(source, path, *given))

    @property
    def description(self) -> str | None:
        """What is said of the handler where it is written; `None` where nothing is."""
        text = (self.function or self.source).__doc__
        return None if text is None else cleandoc(text)

    def coroutine(self, params: dict[str, Any]) -> CoroutineHandler | None:
        """Give the handler with its parameters, where it is a coroutine function."""
        if self.function is None or not self.taken:
            return self.function
        return partial(self.function, **choose(self.taken, params))

    def events(self, request: Request, params: dict[str, Any]) -> Events | None:
        """Make what takes the messages, where that is `Events`."""
        source = self.source
        if source is None:
            return None
        if not self.taken:
            return make_events(source, request)
        made = partial(cast(Callable[..., Events], source), **choose(self.taken, params))
        return made() if isinstance(source, type) else make_events(made, request)
