"""What a link knows of time, and whether the peer can be heard."""

from __future__ import annotations

from typing import Any

import pytest

from tests.connection.memory_stream import Line, make_line
from trunkline.connection.pulse import Pulse


class Held:
    """A meter that lets the peer wait."""

    is_holding = True


def pulse_of(line: Line) -> Pulse:
    return Pulse(line.link.setting, line.stream)


def test_it_knows_what_its_setting_knows() -> None:
    line = make_line(close_timeout=3.0)
    pulse = pulse_of(line)
    assert pulse.engine is line.engine  # type: ignore[comparison-overlap]
    assert pulse.limits.close_timeout == 3.0
    assert pulse.traffic is line.link.setting.traffic
    pulse.last_heard = 7.0
    assert pulse.last_heard == line.stream.last_heard == 7.0
    assert pulse.pinged_at is None


def test_nobody_is_heard_while_anybody_lets_the_peer_wait() -> None:
    pulse = pulse_of(make_line())
    assert not pulse.is_deaf
    meter: Any = Held()
    pulse.meter = meter
    assert pulse.is_deaf
    pulse.meter = None
    pulse.is_reading_paused = True
    assert pulse.is_deaf


@pytest.mark.parametrize("max_stall", [None, 5.0])
def test_it_is_stuck_where_too_much_or_with_a_limit_anything_is_unsent(
    max_stall: float | None,
) -> None:
    line = make_line(write_limit=10, max_stall=max_stall)
    pulse = pulse_of(line)
    line.stream.stall()
    assert pulse.stuck_at is None
    line.stream.write(bytes(5))
    assert pulse.stuck_at == (None if max_stall is None else 0)
    line.stream.write(bytes(6))
    assert pulse.stuck_at == 0


def test_a_deadline_is_set_moved_and_taken_back() -> None:
    line = make_line(close_timeout=3.0)
    pulse = pulse_of(line)
    calls: list[str] = []
    pulse.set_deadline(lambda: calls.append("closing"))
    assert pulse.when_due is not None and len(line.engine.timers) == 1
    pulse.set_deadline(lambda: calls.append("sooner"), 1.0)
    assert len(line.engine.timers) == 1
    pulse.set_deadline(None)
    assert pulse.when_due is None and len(line.engine.timers) == 0


def test_without_a_close_timeout_there_is_no_deadline() -> None:
    line = make_line(close_timeout=None)
    pulse = pulse_of(line)
    pulse.set_deadline(lambda: None)
    assert pulse.when_due is None and len(line.engine.timers) == 0
