"""The timer wheel that turns: the compiled one, where it works."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trunkline import native

if TYPE_CHECKING or "timer_wheel" not in native.MODULES:
    from trunkline.engines.timer_wheel import Call, Timer, TimerWheel
else:
    from trunkline.native.timer_wheel import Call, Timer, TimerWheel

__all__ = ["Call", "Timer", "TimerWheel"]
