"""Exceptions that were logged: those that nobody expects fail the test."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator

import pytest


class Escapes(logging.Handler):
    """Remembers every exception that was logged as an error, by whichever logger."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.errors: list[BaseException | str] = []

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self.errors.append(error or record.getMessage())

    def take(self) -> list[BaseException | str]:
        """Give what was logged so far; it was expected."""
        gc.collect(1)  # tasks and futures tell of their exceptions when they are freed
        taken, self.errors = self.errors, []
        return taken


@pytest.fixture(autouse=True)
def escapes() -> Iterator[Escapes]:
    """Fail the test that leaves logged errors untaken."""
    escapes = Escapes()
    logging.getLogger().addHandler(escapes)
    yield escapes
    logging.getLogger().removeHandler(escapes)
    assert escapes.take() == []
