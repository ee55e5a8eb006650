import logging
from queue import SimpleQueue

import pytest

from trunkline.app.running.deadline import Deadline

HANG_GUARD = 20.0  # seconds
logger = logging.getLogger("trunkline.app")


def test_what_does_not_end_in_time_is_ended(caplog: pytest.LogCaptureFixture) -> None:
    exits: SimpleQueue[int] = SimpleQueue()
    deadline = Deadline(logger, exits.put)
    deadline.set(HANG_GUARD)
    deadline.set(0.0)
    assert exits.get(timeout=HANG_GUARD) == 0
    deadline.cancel()
    assert "not everything ends" in caplog.text


def test_what_ends_in_time_is_left_alone() -> None:
    exits: SimpleQueue[int] = SimpleQueue()
    for seconds in (None, HANG_GUARD):
        deadline = Deadline(logger, exits.put)
        if seconds is not None:
            deadline.set(seconds)
        deadline.cancel()
    assert exits.empty()
