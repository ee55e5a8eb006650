import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.coverage_per_file import find_gaps, main, own_test

BRANCH = "def f(x):\n    if x:\n        x = 1\n    return x\n"

# A project in small: one source file for each thing that may be right or wrong with one.
PROJECT = {
    "src/sample/__init__.py": "",
    "src/sample/covered.py": BRANCH,
    "tests/test_covered.py": "from sample.covered import f\ndef test(): f(0); f(1)\n",
    "src/sample/missing_line.py": BRANCH,
    "tests/test_missing_line.py": "from sample.missing_line import f\ndef test(): f(0)\n",
    "src/sample/missing_branch.py": BRANCH,
    "tests/test_missing_branch.py": "from sample.missing_branch import f\ndef test(): f(1)\n",
    "src/sample/borrowed.py": "def f():\n    return 1\n",
    "tests/test_borrowed.py": "import sample.borrowed\ndef test(): pass\n",
    "tests/test_lender.py": "from sample.borrowed import f\ndef test(): f()\n",
    "src/sample/excused.py": "def f():  # pragma: no cover\n    return 1\n",
    "tests/test_excused.py": "import sample.excused\ndef test(): pass\n",
    "src/sample/excused_branch.py": BRANCH.replace("if x:", "if x:  # pragma: no branch"),
    "tests/test_excused_branch.py": "from sample.excused_branch import f\ndef test(): f(1)\n",
    "src/sample/abstract.py": (
        "from typing import TYPE_CHECKING, Protocol\n"
        "if TYPE_CHECKING:\n    import os\n"
        "class P(Protocol):\n    def f(self) -> int: ...\n"
    ),
    "tests/test_abstract.py": "import sample.abstract\ndef test(): pass\n",
    "src/sample/orphan.py": "X = 1\n",
    "src/sample/never_imported.py": "X = 1\n",
    "tests/test_never_imported.py": "def test(): pass\n",
    "src/sample/plain/__init__.py": '"""Says what."""\nimport os\n__all__ = ["os"]\n',
    "src/sample/busy/__init__.py": "X = 1\n",
}

REPOSITORY = Path(__file__).parents[2]
CONFIG = (REPOSITORY / "pyproject.toml").read_text().replace("trunkline", "sample")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("project")
    for name, text in {**PROJECT, "pyproject.toml": CONFIG}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    pytest_command = [sys.executable, "-m", "pytest", "-q", "-o", "pythonpath=src"]
    coverage_options = ["--cov", "-p", "tools.coverage_by_file", "--cov-report="]
    places = {"COVERAGE_FILE": str(root / ".coverage"), "PYTHONPATH": str(REPOSITORY)}
    command = [*pytest_command, *coverage_options]
    subprocess.run(command, cwd=root, env={**os.environ, **places}, check=True)
    return root


@pytest.fixture
def project(measured: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(measured)
    monkeypatch.delenv("COVERAGE_FILE", raising=False)


@pytest.fixture
def gaps(project: None) -> dict[str, str]:
    lines = (line.partition(": ") for line in find_gaps())
    return {source.removeprefix("src/sample/"): gap for source, _, gap in lines}


@pytest.mark.parametrize(
    ("source", "test"),
    [
        ("src/trunkline/limits.py", "tests/test_limits.py"),
        ("src/trunkline/protocol/frames.py", "tests/protocol/test_frames.py"),
        ("src/trunkline/protocol/__init__.py", "tests/protocol/test_protocol_package.py"),
        ("src/trunkline/__init__.py", "tests/test_trunkline_package.py"),
        ("src/trunkline/__main__.py", "tests/test_main.py"),
    ],
)
def test_every_source_file_has_one_test_file(source: str, test: str) -> None:
    assert own_test(Path(source)) == Path(test)


@pytest.mark.parametrize(
    "source", ["covered.py", "abstract.py", "__init__.py", "plain/__init__.py"]
)
def test_a_file_that_its_own_test_covers_passes(gaps: dict[str, str], source: str) -> None:
    assert source not in gaps


@pytest.mark.parametrize(
    ("source", "gap"),
    [
        (
            "missing_line.py",
            "tests/test_missing_line.py does not cover lines 3; branches at 2 (1 of 2)",
        ),
        ("missing_branch.py", "tests/test_missing_branch.py does not cover branches at 2 (1 of 2)"),
        ("borrowed.py", "tests/test_borrowed.py does not cover lines 2"),
        ("excused.py", "tests/test_excused.py does not cover lines 2"),
        ("excused_branch.py", "tests/test_excused_branch.py does not cover branches at 2 (1 of 2)"),
        ("orphan.py", "has no test file tests/test_orphan.py"),
        ("never_imported.py", "tests/test_never_imported.py does not cover lines 1"),
        ("busy/__init__.py", "has no test file tests/busy/test_busy_package.py"),
    ],
)
def test_a_file_that_its_own_test_does_not_cover_fails(
    gaps: dict[str, str], source: str, gap: str
) -> None:
    assert gaps.pop(source) == gap


def test_the_command_fails_and_counts(project: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main() == 1
    assert capsys.readouterr().out.endswith("own test file: 8\n")


def test_the_command_passes_when_nothing_is_left(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "src/sample").mkdir(parents=True)
    (tmp_path / "src/sample/__init__.py").write_text('"""Says what."""\n')
    monkeypatch.chdir(tmp_path)
    assert main() == 0


def test_the_command_fails_where_there_is_no_source(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main() == 1
