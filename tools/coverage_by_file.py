"""A plugin of pytest that remembers what is covered by the file of the test, not by the test.

``pytest --cov -p tools.coverage_by_file``. Whoever asks which file covers what needs no more; with
``--cov-context=test`` everything is written down three times for each test.
"""

from pathlib import Path

import pytest
from coverage import Coverage

MEASURED = pytest.StashKey[Path]()
"""The file whose tests run."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> None:
    """Begin a context where a test is of another file than the one before."""
    coverage = Coverage.current()
    stash = item.config.stash
    if coverage is None or stash.get(MEASURED, None) == item.path:
        return
    stash[MEASURED] = item.path
    coverage.switch_context(item.path.relative_to(item.config.rootpath).as_posix())
