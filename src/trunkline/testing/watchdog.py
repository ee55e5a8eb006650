"""A test that waits for what never happens is ended, and told so."""

from __future__ import annotations

import asyncio

from trunkline.limits import TEST_PATIENCE


class Watchdog:
    """Cancels the task of a test that has shown no sign of life for too long.

    Args:
        loop: keeps the time, which costs nothing where it is virtual.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._task = asyncio.current_task(loop)
        self._patient_until = loop.time() + TEST_PATIENCE
        self._alarm = loop.call_at(self._patient_until, self._look)
        self.complaint: str | None = None
        """Why the test was ended; `None` where it was not."""

    def pat(self, seconds: float = 0.0) -> None:
        """Take the task that calls this for that of the test, and be patient again.

        Args:
            seconds: that it is going to wait, beside those that it always may.
        """
        self._task = asyncio.current_task(self._loop)
        self._patient_until = self._loop.time() + seconds + TEST_PATIENCE

    def bite(self, complaint: str) -> None:
        """End the test."""
        self._alarm.cancel()
        self.complaint = complaint
        if self._task is not None:
            self._task.cancel(complaint)

    def forgive(self) -> None:
        """Take back what ended the test, once it has been told."""
        if self._task is not None:
            self._task.uncancel()

    def leave(self) -> None:
        """Watch no longer."""
        self._alarm.cancel()

    def _look(self) -> None:
        if self._loop.time() < self._patient_until:
            self._alarm = self._loop.call_at(self._patient_until, self._look)
            return
        self.bite(
            f"the test has waited for {TEST_PATIENCE:,.0f} s on its clock, and nothing came of it; "
            "to wait longer, advance() the clock"
        )
