"""The page about testing: its tests pass, in a file of their own, as a reader would have them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.docs.page import Page

PAGE = Page("testing")
TESTS = 12
"""Those of the page; one of them has five seeds."""


def test_no_block_is_forgotten() -> None:
    assert PAGE.languages() == {"python": 7}


def test_the_tests_of_the_page_pass(tmp_path: Path) -> None:
    (tmp_path / "test_page.py").write_text("\n".join(PAGE.of("python")))
    command = [sys.executable, "-m", "pytest", "-q", "-o", "asyncio_mode=auto", str(tmp_path)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
    assert f"{TESTS - 1} passed" in run.stdout
