"""Parameters of a path, given to functions of the user's by their names."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any

from trunkline.app.routing.path import Path
from trunkline.auth.callback import name_of


def parameters_of(function: Callable[..., Any], path: Path, *given: str) -> frozenset[str]:
    """Give those parameters of a path that a function takes by their names.

    Args:
        function: is going to be called with these, behind what is given in any case.
        path: has the parameters.
        given: the words for what is given in any case.

    Raises:
        TypeError: it cannot be called like that: every request would fail.
    """
    expected = signature(function)
    kinds = {each.kind for each in expected.parameters.values()}
    takes_all = Parameter.VAR_KEYWORD in kinds
    taken = frozenset(name for name in path.parameters if takes_all or name in expected.parameters)
    try:
        expected.bind(*given, **dict.fromkeys(taken))
    except TypeError as error:
        call = ", ".join([*given, *sorted(taken)])
        problem = f"{name_of(function)}({call}) cannot be called for {path.template!r}"
        raise TypeError(f"{problem}: {error}") from None
    return taken


def choose(taken: frozenset[str], params: dict[str, Any]) -> dict[str, Any]:
    """Give the values of the parameters that are taken."""
    return {name: params[name] for name in taken}
