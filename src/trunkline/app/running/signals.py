"""Signals: for a process with an event loop, and for one without."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
RESTART_SIGNALS = tuple(getattr(signal, name) for name in ("SIGHUP",) if hasattr(signal, name))
"""SIGHUP; Windows has none."""
HELD_BACK = (*STOP_SIGNALS, *RESTART_SIGNALS)
BYTES_READ = 4096


@contextmanager
def handled(
    numbers: Iterable[signal.Signals], callback: Callable[[signal.Signals], object]
) -> Iterator[None]:
    """Call back for signals, between two steps of whatever the main thread does.

    Unlike a signal handler of a loop, this is called although a handler blocks it. What was ignored
    when the process began stays so: `nohup` does that.
    """

    def handle(number: int, frame: FrameType | None) -> None:
        callback(signal.Signals(number))

    heeded = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    before = [(number, signal.signal(number, handle)) for number in heeded]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


class SignalPipe:
    """Signals as bytes to read, for a process that waits in a selector.

    Args:
        numbers: of the signals.
    """

    def __init__(self, numbers: Iterable[signal.Signals]) -> None:
        self._reading, writing = os.pipe()
        self._ends = (self._reading, writing)
        for end in self._ends:
            os.set_blocking(end, False)
        self._wakeup_before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        self._before = [(number, signal.signal(number, ignore)) for number in numbers]

    def fileno(self) -> int:
        """Give the descriptor to wait for."""
        return self._reading

    def read(self) -> list[signal.Signals]:
        """Give the signals since the last time."""
        try:
            return [signal.Signals(number) for number in os.read(self._reading, BYTES_READ)]
        except BlockingIOError:
            return []

    def close(self) -> None:
        """Let everything be as it was before; also in a fork, which has a copy."""
        signal.set_wakeup_fd(self._wakeup_before)
        for number, handler in self._before:
            signal.signal(number, handler)
        for end in self._ends:
            os.close(end)


def ignore(number: int, frame: FrameType | None) -> None:
    """Do nothing more: the number of the signal has gone through the pipe."""


@contextmanager
def held_back() -> Iterator[None]:
    """Let what ends a process wait, for this one and those that it starts meanwhile."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HELD_BACK)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def leave_to_supervisor() -> None:
    """Ignore what the terminal sends to all processes: the supervisor says what becomes of it."""
    for number in (signal.SIGINT, *RESTART_SIGNALS):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_BACK)
