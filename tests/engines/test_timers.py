"""Which timer wheel turns."""

from __future__ import annotations

import pytest

from tests.reimport import reimport
from trunkline import native
from trunkline.engines import timer_wheel, timers


def test_the_compiled_wheel_turns_where_it_works() -> None:
    floor = "native" if "timer_wheel" in native.MODULES else "engines"
    assert timers.TimerWheel.__module__ == f"trunkline.{floor}.timer_wheel"
    assert timers.Timer.__module__ == timers.Call.__module__ == timers.TimerWheel.__module__


def test_without_it_the_reference_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "MODULES", frozenset())
    assert reimport(timers).TimerWheel is timer_wheel.TimerWheel
