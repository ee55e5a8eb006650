"""`module:handler`: find what the user wants to be served."""

from __future__ import annotations

import difflib
import importlib
import os
import sys
import traceback
from functools import reduce
from types import ModuleType
from typing import cast

from trunkline.app.app import App
from trunkline.cli.exit_code import ExitCode
from trunkline.cli.failures import Failure
from trunkline.server.handler import Handler, as_source

MACHINERY = ("<frozen importlib", importlib.__file__, __file__)


def load_target(target: str) -> App | Handler:
    """Import an application or a handler, from the current directory or from what is installed.

    Raises:
        Failure: there is none; where the module itself fails, with its traceback.
    """
    module, attribute = split_target(target)
    handler = find_attribute(load_module(module), attribute)
    if isinstance(handler, App):
        return handler
    try:
        as_source(cast(Handler, handler))
    except TypeError as error:
        raise Failure(f"{target} cannot be served: {error}") from None
    return cast(Handler, handler)


def split_target(target: str) -> tuple[str, str]:
    """Split `module:handler`."""
    module, _, attribute = target.partition(":")
    if module.endswith(".py"):
        dotted = module.removesuffix(".py").removeprefix("./").replace("/", ".")
        hint = f"{dotted}:{attribute or 'handler'}"
        raise Failure(f"{target!r} names a file; write {hint}", ExitCode.USAGE)
    if not (all(module.split(".")) and all(attribute.split("."))):
        hint = "write module:handler, such as chat:handler"
        raise Failure(f"{target!r} does not name a handler; {hint}", ExitCode.USAGE)
    return module, attribute


# Importing


def load_module(name: str) -> ModuleType:
    """Import a module; the current directory comes first."""
    folder = os.getcwd()
    sys.path.insert(0, folder)
    try:
        return importlib.import_module(name)
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and is_part_of(error.name, name):
            raise Failure(f"there is no module {error.name!r}, in {folder} or installed") from None
        shortened = shorten_traceback(error)
        raise Failure(f"importing {name!r} failed, see above", traceback=shortened) from None


def is_part_of(missing: str | None, name: str) -> bool:
    """Whether a missing module is the one that was asked for, or a package on the way to it."""
    return missing is not None and f"{name}.".startswith(f"{missing}.")


def shorten_traceback(error: Exception) -> str:
    """Give the traceback without what lies between the command and the user's own code."""
    report = traceback.TracebackException.from_exception(error)
    frames = [frame for frame in report.stack if not frame.filename.startswith(MACHINERY)]
    report.stack = traceback.StackSummary.from_list(frames)
    return "".join(report.format())


# Looking


def find_attribute(module: ModuleType, path: str) -> object:
    """Follow the dots of an attribute; raise `Failure` where one is missing."""
    return reduce(get_attribute, path.split("."), cast(object, module))


def get_attribute(holder: object, name: str) -> object:
    """Give an attribute; raise `Failure`, perhaps with the name that was meant."""
    try:
        return getattr(holder, name)
    except AttributeError:
        close = difflib.get_close_matches(name, dir(holder), n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        label = getattr(holder, "__name__", holder)
        raise Failure(f"{label!r} has no {name!r}{hint}") from None
