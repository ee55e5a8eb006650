"""The log of the library, as lines between the messages."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from trunkline.cli.visible import visible

LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)
FORMAT = "%(levelname)s %(name)s: %(message)s"


class LineHandler(logging.Handler):
    """Passes every record on as text.

    Args:
        write: takes a text of one line or more, without its end.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        super().__init__()
        self._write = write
        self.setFormatter(logging.Formatter(FORMAT))

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; what a peer put into it is made visible."""
        self._write("\n".join(map(visible, self.format(record).split("\n"))))


@contextmanager
def log_to(write: Callable[[str], None], verbosity: int) -> Iterator[None]:
    """Write the log: warnings, with a `verbosity` of 1 what happens, with 2 every detail."""
    root = logging.getLogger()
    level, handler = root.level, LineHandler(write)
    root.addHandler(handler)
    root.setLevel(LEVELS[min(verbosity, len(LEVELS) - 1)])
    try:
        yield
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
