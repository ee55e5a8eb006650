"""What happened on a connection so far, as a person reads it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from trunkline.limits import SHOWN_CHARACTERS, SHOWN_ENTRIES
from trunkline.testing.clock import Clock

SENT, RECEIVED, HAPPENED = "->", "<-", "--"


@dataclass(slots=True)
class Entry:
    """Something that happened, once or several times."""

    seconds: float
    mark: str
    what: str
    times: int = 1

    def __str__(self) -> str:
        again = "" if self.times == 1 else f" (the last of {self.times:,})"
        return f"  {self.seconds:9.3f} s  {self.mark} {self.what}{again}"


class Diary:
    """Keeps the latest things that happened, with their time.

    Args:
        name: of the connection.
        clock: says when.
    """

    def __init__(self, name: str, clock: Clock) -> None:
        self._name = name
        self._clock = clock
        self._entries: deque[Entry] = deque(maxlen=SHOWN_ENTRIES)
        self._count = 0

    def write(self, mark: str, what: str) -> None:
        """Take note of something that happened now."""
        self._count += 1
        self._entries.append(Entry(self._clock.elapsed, mark, what))

    def write_sign_of_life(self, mark: str, what: str) -> None:
        """Take note of a ping or a pong: where nothing else happens, the last of each will do."""
        for entry in list(self._entries)[-2:]:
            if (entry.mark, entry.what) == (mark, what):
                entry.seconds = self._clock.elapsed
                entry.times += 1
                return
        self.write(mark, what)

    def __str__(self) -> str:
        lines = [f"what happened on {self._name}:"]
        left_out = self._count - len(self._entries)
        if left_out:
            lines.append(f"  ... {left_out:,} earlier entries")
        return "\n".join([*lines, *map(str, self._entries)])


def show(data: object) -> str:
    """Show a message, or as much of it as it takes to know it."""
    shown = repr(data)
    if len(shown) <= SHOWN_CHARACTERS:
        return shown
    size = f", {len(data):,} in all" if isinstance(data, str | bytes) else ""
    return f"{shown[:SHOWN_CHARACTERS]}...{size}"
