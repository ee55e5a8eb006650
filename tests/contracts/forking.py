"""Children of a program, which do one thing."""

from __future__ import annotations

import os
from collections.abc import Callable


def fork(act: Callable[[], object]) -> None:
    """Let a child do something, and end well."""
    child = os.fork()
    if child == 0:
        act()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
