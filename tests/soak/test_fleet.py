"""Short runs of `drain.py`, `kill.py` and `roll.py`, which are the long ones."""

from __future__ import annotations

from tests.soak.drain import drain
from tests.soak.kill import kill
from tests.soak.roll import roll

FEW = 200


def test_everybody_leaves_after_sigterm_and_nothing_is_lost() -> None:
    drain(FEW, FEW // 10, 0.5)


def test_the_death_of_a_worker_touches_no_other() -> None:
    kill(FEW, 2)


def test_rolling_restarts_lose_no_message_and_refuse_nobody() -> None:
    roll(FEW // 10, 1, 0.3)
