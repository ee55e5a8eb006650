"""Fuzz one of the targets: `python -m fuzz.run uri [libFuzzer's arguments]`."""

import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from inspect import isclass, isfunction
from types import ModuleType
from typing import Any

import atheris

WATCHED = ("fuzz.targets.", "trunkline.protocol.")


def functions(place: ModuleType | type, module: str) -> Iterator[Callable[..., Any]]:
    """Yield the functions that a module defines, methods and properties included."""
    for value in vars(place).values():
        found = value.fget if isinstance(value, property) else value
        if getattr(found, "__module__", None) != module:
            continue
        if isclass(found):
            yield from functions(found, module)
        elif isfunction(found):
            yield found


def instrument() -> None:
    """Let the fuzzer see which way they go; by hand, since editable imports evade its own hook."""
    for name, module in list(sys.modules.items()):
        if name.startswith(WATCHED):
            for function in functions(module, name):
                atheris.instrument_func(function)


def main() -> None:
    """Fuzz until libFuzzer's arguments say that it is enough."""
    target = import_module(f"fuzz.targets.{sys.argv.pop(1)}")
    instrument()
    atheris.Setup(sys.argv, target.run)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
