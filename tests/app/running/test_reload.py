import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

from trunkline.app.running.reload import (
    WatchedFiles,
    changed_at,
    is_own,
    loaded_files,
    python_files,
)


def touch(path: Path, seconds: int) -> None:
    """Give a file a time of its own."""
    path.write_text("x = 1\n")
    os.utime(path, (seconds, seconds))


@pytest.fixture
def watched(tmp_path: Path) -> WatchedFiles:
    (tmp_path / "app").mkdir()
    touch(tmp_path / "app" / "a.py", 1)
    return WatchedFiles(tmp_path / "app")


def test_a_change_is_told_once(watched: WatchedFiles, tmp_path: Path) -> None:
    assert watched.changed() is None
    touch(tmp_path / "app" / "a.py", 2)
    assert watched.changed() == tmp_path / "app" / "a.py"
    assert watched.changed() is None


def test_new_files_and_lost_ones_are_changes(watched: WatchedFiles, tmp_path: Path) -> None:
    touch(tmp_path / "app" / "b.py", 1)
    assert watched.changed() == tmp_path / "app" / "b.py"
    (tmp_path / "app" / "b.py").unlink()
    assert watched.changed() == tmp_path / "app" / "b.py"


def test_files_elsewhere_can_be_named(watched: WatchedFiles, tmp_path: Path) -> None:
    touch(tmp_path / "c.py", 1)
    watched.add([str(tmp_path / "c.py"), str(tmp_path / "gone.py")])
    assert watched.changed() is None
    touch(tmp_path / "c.py", 2)
    assert watched.changed() == tmp_path / "c.py"


def test_other_peoples_programs_are_left_out(tmp_path: Path) -> None:
    for name in ("", ".git", "node_modules", "venv", "deep/er"):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
        touch(tmp_path / name / "a.py", 1)
        (tmp_path / name / "a.txt").touch()
    (tmp_path / "venv" / "pyvenv.cfg").touch()
    found = {str(path.relative_to(tmp_path)) for path in python_files(tmp_path)}
    assert found == {"a.py", "deep/er/a.py"}


def test_a_file_that_is_gone_has_no_time(tmp_path: Path) -> None:
    assert changed_at(tmp_path / "gone") is None


def test_modules_of_the_user_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("planted")
    module.__file__ = "/home/me/planted.py"
    monkeypatch.setitem(sys.modules, "planted", module)
    files = loaded_files()
    assert "/home/me/planted.py" in files
    assert os.__file__ not in files


@pytest.mark.parametrize(
    ("file", "own"),
    [
        ("/home/me/a.py", True),
        ("/home/me/.venv/lib/python3.11/site-packages/a.py", False),
        (os.__file__, False),
        ("<frozen os>", False),
    ],
)
def test_what_is_installed_is_not_the_users(file: str, own: bool) -> None:
    assert is_own(file) is own
