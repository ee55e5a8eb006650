"""Which files an application consists of, and whether one of them has changed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

LEFT_OUT = {"__pycache__", "node_modules", "site-packages"}
ENVIRONMENT_MARK = "pyvenv.cfg"
"""A folder with this file holds other people's programs."""


class WatchedFiles:
    """Python files below a folder, and files that are named.

    Args:
        folder: is searched with what is below it.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder)
        self._named: set[Path] = set()
        self._times = self._look()

    def add(self, files: Iterable[str]) -> None:
        """Watch these files, too."""
        new = {Path(name) for name in files} - self._named
        self._named |= new
        self._times |= {path: time for path in new if (time := changed_at(path)) is not None}

    def changed(self) -> Path | None:
        """Give a file that was changed, added or removed since the last time."""
        before, self._times = self._times, self._look()
        differing = before.items() ^ self._times.items()
        return min((path for path, _ in differing), default=None)

    def _look(self) -> dict[Path, int]:
        paths = {*python_files(self._folder), *self._named}
        return {path: time for path in paths if (time := changed_at(path)) is not None}


def python_files(folder: Path) -> Iterator[Path]:
    """Yield the Python files below a folder, without hidden folders and other people's programs."""
    for name, folders, files in os.walk(folder):
        if ENVIRONMENT_MARK in files:
            folders.clear()
            continue
        folders[:] = [each for each in folders if each[0] != "." and each not in LEFT_OUT]
        yield from (Path(name, file) for file in files if file.endswith(".py"))


def changed_at(path: Path) -> int | None:
    """Give the time of the last change in nanoseconds; `None` for a file that is gone."""
    with suppress(OSError):
        return path.stat().st_mtime_ns
    return None


def loaded_files() -> list[str]:
    """Name the files of the modules of this process that may be its user's own."""
    files = (getattr(module, "__file__", None) for module in tuple(sys.modules.values()))
    return sorted({file for file in files if isinstance(file, str) and is_own(file)})


def is_own(file: str) -> bool:
    """Whether a file is neither of Python nor installed."""
    parts = Path(file).parts
    return not LEFT_OUT.intersection(parts) and not file.startswith((sys.base_prefix, "<"))
