"""Out of memory, at any allocation: an error or nothing, and never a crash."""

import subprocess
import sys
from pathlib import Path

import pytest

from trunkline import native

PROGRAMS = Path(__file__).with_name("programs")
FEWEST_ALLOCATIONS = 20
"""Fewer would mean that nothing was starved."""

pytest.importorskip("_testcapi", reason="this Python cannot let allocations fail")
pytestmark = pytest.mark.skipif(not native.AVAILABLE, reason=str(native.WHY_NOT))


def test_an_endpoint_without_memory_raises_and_lives_on() -> None:
    command = [sys.executable, "-X", "faulthandler", str(PROGRAMS / "starved.py")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) >= FEWEST_ALLOCATIONS
