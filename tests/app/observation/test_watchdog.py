"""Where the event loop stands while it is blocked."""

import logging
import threading
from collections.abc import Iterator

import pytest

from tests.app.premises import serving
from tests.app.seeing import new_app
from trunkline.app.observation import watchdog as watchdog_module
from trunkline.app.observation.watchdog import Watchdog

HANG_SECONDS = 20.0
SHORT_SECONDS = 0.01


class Ear(logging.Handler):
    """Hears what is logged, on whatever thread."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []
        self.has_heard = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(record.getMessage())
        self.has_heard.set()

    def stand_until_it_is_said(self) -> None:
        assert self.has_heard.wait(HANG_SECONDS)
        self.has_heard.clear()


@pytest.fixture
def ear() -> Iterator[Ear]:
    ear = Ear()
    watchdog_module.logger.addHandler(ear)
    yield ear
    watchdog_module.logger.removeHandler(ear)


def watchdogs() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == watchdog_module.NAME]


def test_it_says_where_the_loop_stands_once_for_each_time(ear: Ear) -> None:
    watchdog = Watchdog(SHORT_SECONDS)
    watchdog.start()
    watchdog.start()
    ear.stand_until_it_is_said()
    watchdog.live()
    ear.stand_until_it_is_said()
    watchdog.stop()
    watchdog.stop()
    assert len(ear.heard) == 2
    for said in ear.heard:
        assert said.startswith("the event loop stands here:\n")
        assert "in stand_until_it_is_said" in said
    assert watchdogs() == []


def test_a_loop_that_lives_is_left_in_peace(ear: Ear) -> None:
    watchdog = Watchdog(HANG_SECONDS)
    watchdog.start()
    watchdog.live()
    watchdog.stop()
    assert ear.heard == []


async def test_an_application_has_one_for_development(ear: Ear) -> None:
    async with serving(new_app(debug=True)):
        ear.stand_until_it_is_said()
    assert "in stand_until_it_is_said" in ear.heard[0]


async def test_others_have_none() -> None:
    async with serving(new_app()):
        assert watchdogs() == []
