"""Weather: the same comes over every line, and the same again."""

from __future__ import annotations

import asyncio

import pytest

from trunkline import UsageError
from trunkline.testing.clock import Clock
from trunkline.testing.line import Line, Toward
from trunkline.testing.weather import CALM, Weather

SURE = 1.0


def new_line() -> Line:
    return Line(asyncio.get_running_loop(), "client", "server", lambda line: None)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"delay": -1.0}, "a delay is 0 or more seconds, not -1.0"),
        ({"delay": float("nan")}, "a delay is 0 or more seconds, not nan"),
        ({"loss": 1.5}, r"a probability is from 0 to 1, not 1.5"),
        ({"loss": -0.1}, r"a probability is from 0 to 1, not -0.1"),
    ],
)
def test_what_is_no_weather_is_refused(options: dict[str, float], text: str) -> None:
    with pytest.raises(UsageError, match=text):
        Weather(**options)  # type: ignore[arg-type]


async def test_calm_weather_does_nothing() -> None:
    clock = Clock()
    with clock.drive():
        line = new_line()
        CALM.befall(line, 0)
        line.client.write(b"x")
        await clock.settle()
        assert line.passed(Toward.SERVER) == 1 == line.server.unread
        assert clock.elapsed == 0


async def test_delay_and_loss_come_over_a_line() -> None:
    clock = Clock()
    with clock.drive():
        line = new_line()
        Weather(delay=2.0).befall(line, 0)
        line.client.write(b"x")
        await clock.advance(1.0)
        assert line.server.unread == 0
        await clock.advance(1.0)
        assert line.server.unread == 1
        Weather(loss=SURE).befall(line, 0)
        await clock.settle()
        assert line.client.is_lost and line.server.is_lost
