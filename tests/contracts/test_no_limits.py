"""Limits that say never, on every engine and loop."""

from __future__ import annotations

import logging
import math
from typing import Any

import pytest

from tests.contracts.meeting import echo, meet

pytestmark = pytest.mark.usefixtures("engine_name")

TIMES = ["open_timeout", "close_timeout", "ping_interval", "ping_timeout"]
NUMBERS = ["max_size", "max_queue", "write_limit"]
MOST = 1 << 70
"""More than any number of C holds."""


@pytest.mark.parametrize(
    "options", [{name: math.inf} for name in TIMES] + [{name: MOST} for name in NUMBERS]
)
async def test_a_limit_beyond_all_numbers_is_none(
    caplog: pytest.LogCaptureFixture, options: dict[str, Any]
) -> None:
    caplog.set_level(logging.WARNING, "trunkline")
    async with meet(echo, **options) as meeting:
        ws = await meeting.join(**options)
        await ws.send("Hello")
        assert await ws.recv() == "Hello"
        await ws.ping()
        await ws.close()
        assert ws.close_code == 1000
    assert caplog.messages == []
