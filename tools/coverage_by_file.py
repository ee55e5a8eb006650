"""A plugin of pytest that measures no more than `coverage_per_file.py` asks for.

``pytest --cov -p tools.coverage_by_file``, from the top of the repository. What is covered is
remembered by the file of the test; ``--cov-context=test`` writes everything down three times for
each test. And nothing is measured in a file that is not the one that has to cover a source file.
"""

from pathlib import Path

import pytest
from coverage import Coverage

from tools.coverage_per_file import SOURCE, own_test


class Meter:
    """Turns from file to file."""

    def __init__(self) -> None:
        self._coverage = Coverage.current()
        self._wanted = frozenset(map(own_test, SOURCE.rglob("*.py")))
        self._file: Path | None = None
        self._is_running = True

    def turn_to(self, file: Path) -> None:
        """Measure what follows for the tests of this file, or not at all."""
        if self._coverage is None or file == self._file:
            return
        self._file = file
        if not self._is_running:
            self._coverage.start()
        # Also before it stops: what was measured until now belongs to the file before.
        self._coverage.switch_context(file.as_posix())
        self._is_running = file in self._wanted
        if not self._is_running:
            self._coverage.stop()


METER = pytest.StashKey[Meter]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> None:
    """Begin anew where a test is of another file than the one before."""
    stash = item.config.stash
    if METER not in stash:
        stash[METER] = Meter()
    stash[METER].turn_to(item.path.relative_to(item.config.rootpath))
