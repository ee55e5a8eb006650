"""Which handler a path leads to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Generic, TypeVar

from trunkline.app.routing.path import Path
from trunkline.errors import RequestRefused


@dataclass(frozen=True, slots=True)
class Route:
    """Something behind a path.

    Args:
        path: what the path of a request has to be.
        methods: the HTTP methods that it answers; empty for a WebSocket.
    """

    path: Path
    methods: frozenset[str]


R = TypeVar("R", bound=Route)


@dataclass(frozen=True, slots=True)
class Match(Generic[R]):
    """A route that was found, and the parameters in the path."""

    route: R
    params: dict[str, Any]


class Routes(Generic[R]):
    """All routes: paths without parameters are looked up, the others are tried in their order."""

    def __init__(self) -> None:
        self._literal: dict[str, list[R]] = {}
        self._patterns: list[R] = []

    def add(self, route: R) -> None:
        """Add a route; raise `ValueError` where another has its path and its method."""
        for other in self:
            has_path = route.path.shape == other.path.shape
            if has_path and (route.methods & other.methods or route.methods == other.methods):
                raise ValueError(f"there is a handler for {other.path.template!r} already")
        if route.path.is_literal:
            self._literal.setdefault(route.path.template, []).append(route)
        else:
            self._patterns.append(route)
            # What takes a whole path takes what nobody else wants.
            self._patterns.sort(key=lambda each: each.path.is_greedy)

    def __iter__(self) -> Iterator[R]:
        for routes in self._literal.values():
            yield from routes
        yield from self._patterns

    def find(self, path: str, method: str, *, is_upgrade: bool) -> Match[R]:
        """Find what a request asks for.

        Args:
            path: as it was sent, without the query.
            method: the HTTP method.
            is_upgrade: whether a WebSocket is asked for.

        Raises:
            RequestRefused: 404 where nothing has this path, 405 where nothing has this method.
        """
        others = []
        for match in self._with_path(path):
            if serves(match.route, method, is_upgrade=is_upgrade):
                return match
            others.append(match)
        if is_upgrade:
            raise RequestRefused(HTTPStatus.NOT_FOUND, "there is no WebSocket at this path")
        # Who asks a WebSocket for a page hears of 426, of which the handshake knows.
        for match in others:
            if not match.route.methods and method == "GET":
                return match
        raise nothing_for([match.route for match in others])

    def _with_path(self, path: str) -> Iterator[Match[R]]:
        for route in self._literal.get(path, ()):
            yield Match(route, {})
        for route in self._patterns:
            params = route.path.match(path)
            if params is not None:
                yield Match(route, params)


def answered(route: Route) -> frozenset[str]:
    """Give the methods that a route answers, also without a handler of their own."""
    # RFC 9110 §9.3.2: HEAD is GET without the content
    with_head = route.methods | {"HEAD"} if "GET" in route.methods else route.methods
    return with_head or frozenset({"GET"})


def serves(route: Route, method: str, *, is_upgrade: bool) -> bool:
    """Whether a route is for requests of this kind."""
    is_websocket = not route.methods
    return is_websocket if is_upgrade else not is_websocket and method in answered(route)


def nothing_for(routes: Sequence[Route]) -> RequestRefused:
    """Say that no route answers, where some have the path."""
    methods = frozenset[str]().union(*map(answered, routes))
    if not methods:
        return RequestRefused(HTTPStatus.NOT_FOUND, "there is nothing at this path")
    allowed = ", ".join(sorted(methods))
    reason = f"this path answers {allowed} only"
    return RequestRefused(HTTPStatus.METHOD_NOT_ALLOWED, reason, {"Allow": allowed})
