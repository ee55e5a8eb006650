"""A process that has no file descriptor left."""

import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).parent / "programs" / "few_descriptors.py"
HANG_SECONDS = 60.0


def test_without_descriptors_connections_live_on_and_later_others_are_accepted() -> None:
    done = subprocess.run(
        [sys.executable, str(PROGRAM)],
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["exhausted", "alive", "accepted"]
