"""The end of a process that does not end by itself."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue


class Deadline:
    """Ends the process when its time is over, though a handler blocks the loop or is not cancelled.

    It has a thread of its own, and may be set by a signal handler: `SimpleQueue` is made for that.

    Args:
        logger: is told when it comes to that.
        end: ends the process at once.
    """

    def __init__(self, logger: logging.Logger, end: Callable[[int], object] = os._exit) -> None:
        self._logger = logger
        self._end = end
        self._times: SimpleQueue[float | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._wait, name="deadline", daemon=True)
        self._thread.start()

    def set(self, seconds: float) -> None:
        """End the process in so many seconds, whatever was set before."""
        self._times.put(seconds)

    def cancel(self) -> None:
        """Everything has ended; the thread, too, when this returns."""
        self._times.put(None)
        self._thread.join()

    def _wait(self) -> None:
        seconds = self._times.get()
        while seconds is not None:
            try:
                seconds = self._times.get(timeout=seconds)
            except Empty:
                self._logger.error("not everything ends, the process ends without it")
                self._end(os.EX_OK)
                return
