"""Out of memory, at any allocation of a whole conversation: an error or a clean end."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
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


@pytest.fixture(scope="module")
def conversations(scarce_memory: Path) -> Iterator[dict[str, subprocess.Popen[str]]]:
    """Start all of them at once: most of the time they wait for what never comes."""
    environment = os.environ | {
        "LD_PRELOAD": str(scarce_memory),
        "PYTHONMALLOC": "malloc",
        "TRUNKLINE_ENGINE": "native",
    }
    with ExitStack() as stack:
        yield {
            conversation: stack.enter_context(start(conversation, spread, environment))
            for conversation, spread in SPREAD.items()
        }


def start(conversation: str, spread: int, environment: dict[str, str]) -> subprocess.Popen[str]:
    program = [sys.executable, str(PROGRAMS / "starved_engine.py"), conversation]
    sample = ["--first", str(spread // 2), "--step", str(spread), "--count", str(SAMPLES)]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [*program, *sample], env=environment, cwd=ROOT, stdout=pipe, stderr=pipe, text=True
    )


@pytest.mark.parametrize("conversation", SPREAD)
def test_a_conversation_without_memory_ends_and_the_next_one_is_well(
    conversation: str, conversations: dict[str, subprocess.Popen[str]]
) -> None:
    process = conversations[conversation]
    output, errors = process.communicate()
    assert process.returncode == 0, output + errors
    tried = re.fullmatch(rf"{SAMPLES} (\d+)\n", output)
    assert tried is not None, output + errors
    assert int(tried[1]) > 0, "nothing was starved"
