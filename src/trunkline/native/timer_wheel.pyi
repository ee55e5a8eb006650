from collections.abc import Callable

from trunkline.engines.timer_wheel import Alarm

class Timed:
    """What can be set in a wheel."""

class Timer(Timed):
    """Something to be done at a deadline: `fire()`. It can be set again, by whoever keeps it."""

    def fire(self) -> None:
        """The deadline has come; the timer is set no longer."""
    def cancel(self) -> None:
        """Order it off; nothing happens where it is not set."""

class Call(Timer):
    """A call to be made at a deadline."""

    def __init__(self, callback: Callable[[], None]) -> None: ...

class TimerWheel:
    """Calls back at deadlines; `engines.timer_wheel.TimerWheel` has the words."""

    def __init__(
        self, clock: Callable[[], float], wake_at: Callable[[float, Callable[[], None]], Alarm]
    ) -> None: ...
    def __len__(self) -> int: ...
    def call_in(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Call `callback` in `delay` seconds."""
    def set(self, timer: Timed, delay: float) -> None:
        """Have `timer` fire in `delay` seconds, and not when it was to fire before."""
    def remove(self, timer: Timed) -> None:
        """Forget `timer`, if it is still there."""
