"""What the C library does with the memory of large messages."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.sanitized import needs_own_malloc
from trunkline.engines.allocator import INT_MAX, keep_memory

# In a process of its own: it cannot be taken back.
FAULTS = """
import resource, sys
from trunkline import keep_memory
if sys.argv[1:]:
    assert keep_memory() is True
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
size = 8 << 20
bytearray(size)
before = faults()
for _ in range(20):
    bytearray(size)
print(faults() - before)
"""


def page_faults(*arguments: str) -> int:
    command = [sys.executable, "-c", FAULTS, *arguments]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@needs_own_malloc
@pytest.mark.skipif(sys.platform != "linux", reason="other C libraries have other ways")
def test_large_messages_find_their_memory_again() -> None:
    assert page_faults("keep") < page_faults() / 4


@pytest.mark.parametrize("kept", [-1, INT_MAX + 1])
def test_a_size_that_cannot_be_is_refused(kept: int) -> None:
    with pytest.raises(ValueError, match=f"kept is {kept:,} bytes, it can be 0 to 2,147,483,647"):
        keep_memory(kept)


def test_elsewhere_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert keep_memory() is False


@pytest.mark.skipif(sys.platform != "linux", reason="other C libraries have other ways")
def test_the_c_library_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []

    class Library:
        def mallopt(self, parameter: int, value: int) -> int:
            asked.append((parameter, value))
            return 1

    monkeypatch.setattr("ctypes.CDLL", lambda name: Library())
    assert keep_memory(1000) is True
    assert asked == [(-3, 32 * 1024 * 1024), (-1, 1000)]
