"""A test leaves nothing behind: no task, timer or descriptor, and no error in the loop."""

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

import pytest

from trunkline.engines.choose import current_engine, engines

PATIENCE_SECONDS = 10.0
"""For what is on its way out: a lingering refusal alone takes two seconds."""


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def leftovers(descriptors: int) -> list[str]:
    loop = asyncio.get_running_loop()
    found = [repr(task) for task in asyncio.all_tasks() - {asyncio.current_task()}]
    if loop in engines and len(engines[loop].timers):
        found.append(f"{len(engines[loop].timers)} timers")
    if open_descriptors() > descriptors:
        found.append(f"{open_descriptors()} descriptors, {descriptors} before")
    return found


@pytest.fixture(autouse=True)
async def tidiness() -> AsyncIterator[None]:
    """Fail a test that leaves something behind, or whose loop had to handle an exception."""
    unhandled: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))
    current_engine()  # holds descriptors of its own
    descriptors = open_descriptors()
    yield
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while leftovers(descriptors):
                await asyncio.sleep(0.001)
    except TimeoutError:
        pytest.fail(f"left behind: {leftovers(descriptors)}")
    assert unhandled == []
