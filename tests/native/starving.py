"""Tests without memory, in a process of their own: other threads of this one would go without."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def check_starving(module: str) -> None:
    """Run `starve()` of a test module; fail with what it says."""
    pytest.importorskip("_testcapi", reason="CPython's own tests are not installed")
    program = f"from {module} import starve; starve()"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
