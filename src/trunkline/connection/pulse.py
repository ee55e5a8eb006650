"""What a link knows of the time, and of its peer's signs of life."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from trunkline.connection.pings import NO_PINGS
from trunkline.connection.setting import Setting
from trunkline.connection.traffic import Traffic
from trunkline.engines.engine import Engine, Stream
from trunkline.engines.timers import Timer
from trunkline.limits import Limits

if TYPE_CHECKING:
    from trunkline.connection.meter import Meter


class Pulse(Timer):
    """The one timer of a link: of the keep-alive, and then of the closing phases.

    Args:
        setting: what it shares with others.
        stream: carries the bytes.
    """

    __slots__ = (
        *("is_reading_paused", "meter", "pings", "setting", "stream", "stuck", "when_due"),
    )

    def __init__(self, setting: Setting, stream: Stream) -> None:
        super().__init__()
        self.setting = setting
        self.stream = stream
        self.is_reading_paused = False
        """Whether the user lets the peer wait, or a failure does; the meter knows for itself."""
        self.meter: Meter | None = None  # where the limits have rates
        self.when_due: Callable[[], None] | None = None
        """Called at the deadline of a closing phase; until there is one, of the keep-alive."""
        self.stuck: tuple[int, float] | None = None
        # Of its own only where one is under way
        self.pings = NO_PINGS

    @property
    def engine(self) -> Engine:
        """Keeps the time."""
        return self.setting.engine

    @property
    def limits(self) -> Limits:
        """Times and sizes."""
        return self.setting.limits

    @property
    def traffic(self) -> Traffic:
        """Counts what goes through."""
        return self.setting.traffic

    @property
    def last_heard(self) -> float:
        """When the peer last gave a sign of life, or could begin to, in the engine's seconds."""
        return self.stream.last_heard

    @last_heard.setter
    def last_heard(self, now: float) -> None:
        self.stream.last_heard = now

    @property
    def is_deaf(self) -> bool:
        """Whether nothing is read, whoever wants it so: the peer cannot be heard."""
        return self.is_reading_paused or (self.meter is not None and self.meter.is_holding)

    @property
    def pinged_at(self) -> float | None:
        """When the keep-alive has sent a ping, while that waits for its pong."""
        return self.pings.keepalive_sent_at

    @property
    def stuck_at(self) -> int | None:
        """How many bytes have left, while too many are unsent; `None` otherwise."""
        is_waiting = self.limits.max_stall is not None and self.stream.unsent
        return self.stream.sent if is_waiting or self.stream.is_writing_paused else None

    def set_deadline(self, callback: Callable[[], None] | None, delay: float | None = None) -> None:
        """Set the timer for a closing phase, by default `close_timeout`; no more pings."""
        delay = self.limits.close_timeout if delay is None else delay
        if callback is None or delay is None:
            self.when_due = None
            self.cancel()
        else:
            self.when_due = callback
            self.engine.timers.set(self, delay)
