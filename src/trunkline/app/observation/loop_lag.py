"""How late the event loop is: whatever blocks it makes everybody wait."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from trunkline.app.observation.watchdog import Watchdog
from trunkline.engines.choose import current_engine
from trunkline.engines.engine import Engine
from trunkline.engines.timers import Timer
from trunkline.limits import LAG_INTERVAL, LAGS_REMEMBERED


class Tripwire(Timer):
    """Something that is always due soon: so the timer wheel sees, and names, every blockage."""

    def fire(self) -> None:
        """Do nothing."""


class LoopLag:
    """Measures how much later than asked for the loop calls back.

    Args:
        tell: called with each lateness, in seconds.
        watchdog: is given a sign of life each time.
    """

    def __init__(self, tell: Callable[[float], None], watchdog: Watchdog | None = None) -> None:
        self._tell = tell
        self._watchdog = watchdog
        self._recent: deque[float] = deque(maxlen=LAGS_REMEMBERED)
        self._tripwire = Tripwire()
        self._alarm: asyncio.TimerHandle | None = None
        self._starts = 0

    @property
    def worst(self) -> float:
        """The most, of late, in seconds."""
        return max(self._recent, default=0.0)

    def start(self) -> None:
        """Begin to measure, on the running loop; whoever starts it again has to stop it again."""
        self._starts += 1
        if self._alarm is None:
            self._order(asyncio.get_running_loop(), current_engine())
            if self._watchdog is not None:
                self._watchdog.start()

    def stop(self) -> None:
        """Measure no more, once everybody who started it has stopped it."""
        self._starts -= 1
        if self._starts == 0 and self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
            self._tripwire.cancel()
            if self._watchdog is not None:
                self._watchdog.stop()

    def _order(self, loop: asyncio.AbstractEventLoop, engine: Engine) -> None:
        due = loop.time() + LAG_INTERVAL
        self._alarm = loop.call_at(due, self._measure, loop, engine, due)
        engine.timers.set(self._tripwire, LAG_INTERVAL)

    def _measure(self, loop: asyncio.AbstractEventLoop, engine: Engine, due: float) -> None:
        lag = max(0.0, loop.time() - due)
        self._recent.append(lag)
        self._tell(lag)
        if self._watchdog is not None:
            self._watchdog.live()
        self._order(loop, engine)
