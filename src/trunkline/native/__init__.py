"""Everything that is compiled: twins of the protocol, and the engine on epoll.

Importing this never fails, whatever became of the build: it says what is there, and why not more.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import import_module

__all__ = ["AVAILABLE", "MODULES", "WHY_NOT"]

PLATFORM = "linux"
"""The engine is made of epoll, eventfd and accept4; only Linux has them."""

NAMES = (
    "masking",
    "timer_wheel",
    "closing",
    "messages",
    "terms",
    "endpoint",
    "poller",
    "sink",
    "traffic",
    "layer",
    "connected_socket",
    "stream",
    "listener",
    "opening",
    "fanout",
    "wakeup",
    "awaitable",
    "conversation",
    "inbox",
    "footing",
    "life",
    "lane",
    "meter",
    "arrival",
    "tls",
)
"""What CMakeLists.txt builds."""


OPTIONAL = ("deflate",)
"""What it builds where it finds the library for it; nothing else needs these."""


def why_not_loaded(name: str) -> str | None:
    """Import a compiled module, and say why that fails, where it does."""
    module = f"{__name__}.{name}"
    try:
        import_module(module)
    except ModuleNotFoundError as error:
        if error.name == module:
            return f"this build has no compiled {module}"
        return f"{module} cannot be imported: {error}"
    except Exception as error:  # of another Python, of another C library, or broken: all the same
        return f"{module} cannot be imported: {' '.join(str(error).split())}"
    return None


def look(
    names: Iterable[str], platform: str, optional: Iterable[str] = ()
) -> tuple[frozenset[str], str | None]:
    """Give the names of the modules that work, and why these are not all that is needed."""
    failures = {name: why_not_loaded(name) for name in names}
    working = frozenset(name for name, why in failures.items() if why is None)
    working |= {name for name in optional if why_not_loaded(name) is None}
    if platform != PLATFORM:
        return working, f"the native engine needs {PLATFORM}, and this is {platform}"
    return working, next(filter(None, failures.values()), None)


MODULES: frozenset[str]
"""The compiled modules that work here, by their names in this package."""

WHY_NOT: str | None
"""Why not all of it is there, in one sentence; None where it is."""

MODULES, WHY_NOT = look(NAMES, sys.platform, OPTIONAL)

AVAILABLE: bool = WHY_NOT is None
"""Whether every compiled module that is needed works here, and the native engine with them."""
