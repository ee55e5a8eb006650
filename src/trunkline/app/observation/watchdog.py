"""Says where the event loop stands while it is blocked: for development."""

from __future__ import annotations

import logging
import sys
import threading
import traceback

from trunkline.limits import WATCHDOG_PATIENCE

logger = logging.getLogger("trunkline.loop")

NAME = "trunkline watchdog"


class Watchdog:
    """A thread that waits for signs of life of the loop, and logs where it stands without one.

    Args:
        patience: seconds without a sign of life.
    """

    def __init__(self, patience: float = WATCHDOG_PATIENCE) -> None:
        self._patience = patience
        self._sign = threading.Event()
        self._is_stopped = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Watch the thread that calls this, unless one is watched."""
        if self._thread is None:
            self._is_stopped = False
            watched = threading.get_ident()
            self._thread = threading.Thread(
                target=self._watch, args=(watched,), name=NAME, daemon=True
            )
            self._thread.start()

    def live(self) -> None:
        """Give a sign of life."""
        self._sign.set()

    def stop(self) -> None:
        """Watch no longer."""
        if self._thread is not None:
            self._is_stopped = True
            self.live()
            self._thread.join()
            self._thread = None

    def _watch(self, watched: int) -> None:
        was_alive = True
        while not self._is_stopped:
            is_alive = self._sign.wait(self._patience)
            self._sign.clear()
            if was_alive and not is_alive:
                logger.warning("the event loop stands here:\n%s", describe(watched))
            was_alive = is_alive


def describe(thread: int) -> str:
    """Give the stack of a thread, in the form of a traceback."""
    return "".join(traceback.format_stack(sys._current_frames().get(thread))).rstrip()
