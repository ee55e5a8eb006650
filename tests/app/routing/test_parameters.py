"""Parameters of a path that a function takes."""

from collections.abc import Callable
from typing import Any

import pytest

from trunkline.app.routing.parameters import choose, parameters_of
from trunkline.app.routing.path import Path

PATH = Path("/{room}/{user:int}")


def nothing_else(ws: Any) -> None: ...
def room_only(ws: Any, room: str) -> None: ...
def both(ws: Any, *, user: int, room: str = "") -> None: ...
def everything(ws: Any, **params: Any) -> None: ...
def with_default(ws: Any, speed: float = 1.0) -> None: ...


class Callback:
    def __call__(self, ws: Any, room: str) -> None: ...

    def method(self, ws: Any, user: int) -> None: ...


@pytest.mark.parametrize(
    ("function", "taken"),
    [
        (nothing_else, set()),
        (room_only, {"room"}),
        (both, {"room", "user"}),
        (everything, {"room", "user"}),
        (with_default, set()),
        (Callback(), {"room"}),
        (Callback().method, {"user"}),
    ],
)
def test_a_function_takes_what_it_names(function: Callable[..., Any], taken: set[str]) -> None:
    assert parameters_of(function, PATH, "connection") == taken


def no_connection() -> None: ...
def unknown(ws: Any, speed: float) -> None: ...
def twice(room: Any) -> None: ...


class Strange:
    def __call__(self, ws: Any, speed: float) -> None: ...


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (no_connection, "no_connection(connection) cannot be called for '/{room}/{user}'"),
        (unknown, "missing a required argument: 'speed'"),
        (twice, "twice(connection, room) cannot be called"),
        (Strange(), "Strange(connection) cannot be called"),
    ],
)
def test_what_could_never_be_called_is_an_error_at_once(
    function: Callable[..., Any], problem: str
) -> None:
    with pytest.raises(TypeError) as caught:
        parameters_of(function, Path("/{room}/{user}"), "connection")
    assert problem in str(caught.value)


def test_what_is_taken_is_chosen() -> None:
    assert choose(frozenset({"a", "b"}), {"a": 1, "b": 2, "c": 3}) == {"a": 1, "b": 2}
    assert choose(frozenset(), {"c": 3}) == {}
