"""Keep-alive: a ping after silence, an end after no answer, or after nothing was read."""

from __future__ import annotations

from typing import Protocol

from trunkline.engines.timer_wheel import Timer, TimerWheel


class Patient(Protocol):
    """A connection whose pulse is felt."""

    last_heard: float
    is_reading_paused: bool

    @property
    def stuck_at(self) -> int | None:
        """How many bytes have left, while as many are unsent as may be; `None` otherwise."""

    def send_keepalive_ping(self) -> None:
        """Ask for a sign of life."""

    def give_up(self, silence: float) -> None:
        """End the connection after `silence` seconds."""

    def give_up_unread(self, seconds: float) -> None:
        """End the connection after `seconds` in which nothing could leave."""


class Clock(Protocol):
    """An engine, as far as it keeps the time."""

    timers: TimerWheel

    def now(self) -> float:
        """Give the time in seconds."""


class Keepalive:
    """Watches over one connection with one timer.

    Any byte that arrives counts as life. While this side does not read, the peer cannot be heard
    and is not blamed. A peer that talks and never reads holds up whoever sends to it: when nothing
    has left for as long as a silent peer may be silent, it is given up, too.

    Args:
        patient: the connection.
        engine: keeps the time.
        interval: seconds of silence after which a ping is sent.
        timeout: seconds of silence after that ping at which the connection is given up;
            `None` for never.
    """

    __slots__ = (
        "_engine",
        "_interval",
        "_patient",
        "_pinged_at",
        "_stuck_at",
        "_stuck_since",
        "_timeout",
        "_timer",
    )

    def __init__(
        self,
        patient: Patient,
        engine: Clock,
        interval: float,
        timeout: float | None,
    ) -> None:
        self._patient = patient
        self._engine = engine
        self._interval = interval
        self._timeout = timeout
        self._pinged_at: float | None = None
        self._stuck_at: int | None = None
        self._stuck_since = 0.0
        self._timer: Timer | None = engine.timers.call_in(interval, self._check)

    def stop(self) -> None:
        """Stop watching."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _check(self) -> None:
        now = self._engine.now()
        patient = self._patient
        stuck_for = self._stuck_for(now)
        if self._timeout is not None and stuck_for >= self._interval + self._timeout:
            self._timer = None
            patient.give_up_unread(stuck_for)
        elif patient.is_reading_paused:
            self._wait(self._interval)
        elif self._pinged_at is not None and patient.last_heard < self._pinged_at:
            self._timer = None
            patient.give_up(now - patient.last_heard)
        elif now - patient.last_heard < self._interval:
            self._wait(patient.last_heard + self._interval - now)
        else:
            self._ping(now)

    def _stuck_for(self, now: float) -> float:
        """Give the seconds since which nothing has left that should."""
        stuck_at = self._patient.stuck_at
        if stuck_at is None or stuck_at != self._stuck_at:
            self._stuck_at, self._stuck_since = stuck_at, now
        return now - self._stuck_since

    def _ping(self, now: float) -> None:
        self._patient.send_keepalive_ping()
        if self._timeout is None:
            self._wait(self._interval)
        else:
            self._pinged_at = now
            self._wait(self._timeout)

    def _wait(self, delay: float) -> None:
        self._timer = self._engine.timers.call_in(delay, self._check)
