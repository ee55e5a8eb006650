"""What the C library does with the memory of large messages."""

from __future__ import annotations

import ctypes
import sys

from trunkline.limits import KEPT_MEMORY, LARGEST_KEPT

# mallopt(3): from which size on the C library asks the kernel for a block of its own, and how much
# that is free at the end of the heap it keeps
M_MMAP_THRESHOLD = -3
M_TRIM_THRESHOLD = -1
INT_MAX = (1 << 31) - 1


def keep_memory(kept: int = KEPT_MEMORY) -> bool:
    """Let the process keep the memory of large messages for the next ones.

    The C library of Linux gives the memory of a message of 128 KiB or more back to the kernel, and
    has it cleared, page by page, for the next: more than half of what an echo of 1 MiB costs. This
    call is for the whole process, so it is the program's to make, once, at its beginning.

    Args:
        kept: bytes that may be kept although they are free.

    Returns:
        Whether the C library knows how to.

    Raises:
        ValueError: `kept` is negative, or more than the C library can count.
    """
    if not 0 <= kept <= INT_MAX:
        raise ValueError(f"kept is {kept:,} bytes, it can be 0 to {INT_MAX:,}")
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:
        return False
    done = mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT), mallopt(M_TRIM_THRESHOLD, kept)
    return all(done)
