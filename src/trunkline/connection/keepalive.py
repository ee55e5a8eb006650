"""Keep-alive: a ping after silence, an end after no answer, or after nothing was read."""

from __future__ import annotations

from typing import Protocol


class Patient(Protocol):
    """A connection whose pulse is felt."""

    last_heard: float
    stuck: tuple[int, float] | None
    """How many bytes had left when nothing could leave any more, and when that was seen."""

    @property
    def is_deaf(self) -> bool:
        """Whether nothing is read."""

    @property
    def pinged_at(self) -> float | None:
        """When the keep-alive has sent a ping, while that waits for its pong."""

    @property
    def stuck_at(self) -> int | None:
        """How many bytes have left, while too many are unsent; `None` otherwise."""

    def send_keepalive_ping(self) -> None:
        """Ask for a sign of life."""

    def give_up(self, silence: float) -> None:
        """End the connection after `silence` seconds."""

    def give_up_unread(self, seconds: float) -> None:
        """End the connection after `seconds` in which nothing could leave."""


def feel_pulse(
    patient: Patient,
    now: float,
    interval: float,
    timeout: float | None,
    max_stall: float | None = None,
) -> float | None:
    """Ask for a sign of life, or end the connection, where it is time for that.

    Any byte that arrives counts as life. While this side does not read, the peer cannot be heard
    and is not blamed. A peer that talks and never reads holds up whoever sends to it: when nothing
    has left for `max_stall`, or for as long as a silent peer may be silent, it is given up, too.

    Args:
        patient: the connection.
        now: seconds, on the clock of `last_heard`.
        interval: seconds of silence after which a ping is sent.
        timeout: seconds of silence after that ping at which the connection is given up;
            `None` for never.
        max_stall: seconds in which nothing has left that should, where that is not as long.

    Returns:
        Seconds until it is to be felt again; `None` where the connection was given up.
    """
    limit = max_stall
    if limit is None and timeout is not None:
        limit = interval + timeout
    stuck_for = feel_writing(patient, now)
    if patient.stuck is not None and limit is not None and stuck_for >= limit:
        patient.give_up_unread(stuck_for)
        return None
    delay = feel_silence(patient, now, interval, timeout)
    if delay is None or patient.stuck is None or max_stall is None:
        return delay
    return min(delay, max_stall - stuck_for)


def feel_silence(
    patient: Patient, now: float, interval: float, timeout: float | None
) -> float | None:
    """Ask for a sign of life, or end the connection; as `feel_pulse()`, of reading alone."""
    if patient.is_deaf:
        return interval
    silence = now - patient.last_heard
    if timeout is not None and is_unanswered(patient):
        patience = time_left(patient, now, timeout)
        if patience > 0:
            return patience
        patient.give_up(silence)
        return None
    if silence < interval:
        return interval - silence
    patient.send_keepalive_ping()
    # An answer that comes soon begins the next silence, which may be shorter than patience is.
    return interval if timeout is None else min(interval, timeout)


def is_unanswered(patient: Patient) -> bool:
    """Whether nothing came since the ping."""
    return patient.pinged_at is not None and patient.last_heard < patient.pinged_at


def time_left(patient: Patient, now: float, timeout: float) -> float:
    """Give the seconds that the peer may still take for its answer; writing is felt more often."""
    assert patient.pinged_at is not None
    return patient.pinged_at + timeout - now


def feel_writing(patient: Patient, now: float) -> float:
    """Give the seconds since which nothing has left that should."""
    left = patient.stuck_at
    if left is None:
        patient.stuck = None
        return 0.0
    if patient.stuck is None or patient.stuck[0] != left:
        patient.stuck = (left, now)
    return now - patient.stuck[1]
