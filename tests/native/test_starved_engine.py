"""Out of memory, at any allocation of a whole conversation: an error or a clean end."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from shutil import which

import pytest

from tests.sanitized import needs_own_malloc
from trunkline import native

PROGRAMS = Path(__file__).with_name("programs")
ROOT = PROGRAMS.parents[2]
COMPILER = os.environ.get("CC", "cc")
SAMPLES = 8
"""Allocations of each conversation; `make starve` lets every one of them fail."""
SPREAD = {"plain": 401, "tls": 331, "tls through memory": 367, "fanout": 523}
"""Allocations from one sample to the next: about as many conversations have together."""

pytestmark = [
    pytest.mark.skipif(not native.AVAILABLE, reason=str(native.WHY_NOT)),
    pytest.mark.skipif(which(COMPILER) is None, reason="there is no C compiler here"),
    pytest.mark.skipif(sys.platform != "linux", reason="the preloaded functions are glibc's"),
    needs_own_malloc,
]


@pytest.fixture(scope="session")
def scarce_memory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile what is preloaded."""
    library = tmp_path_factory.mktemp("scarce") / "scarce_memory.so"
    source = PROGRAMS / "scarce_memory.c"
    subprocess.run([COMPILER, "-shared", "-fPIC", "-O1", "-o", library, source], check=True)
    return library


@pytest.mark.parametrize("conversation", SPREAD)
def test_a_conversation_without_memory_ends_and_the_next_one_is_well(
    conversation: str, scarce_memory: Path
) -> None:
    spread = SPREAD[conversation]
    program = str(PROGRAMS / "starved_engine.py")
    sample = ["--first", str(spread // 2), "--step", str(spread), "--count", str(SAMPLES)]
    done = subprocess.run(
        [sys.executable, program, conversation, *sample],
        env=os.environ
        | {
            "LD_PRELOAD": str(scarce_memory),
            "PYTHONMALLOC": "malloc",
            "TRUNKLINE_ENGINE": "native",
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    tried = re.fullmatch(rf"{SAMPLES} (\d+)\n", done.stdout)
    assert tried is not None, done.stdout + done.stderr
    assert int(tried[1]) > 0, "nothing was starved"
