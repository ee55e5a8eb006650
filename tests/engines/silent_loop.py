"""A loop to which no exception escapes."""

import asyncio
import gc
from collections.abc import AsyncIterator
from typing import Any

import pytest


@pytest.fixture(autouse=True)
async def silent_loop() -> AsyncIterator[None]:
    """Fail the test whose exceptions reach the handler of its loop."""
    escaped: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: escaped.append(context))
    yield
    # A task or future tells of an exception that nobody fetched when it is freed.
    gc.collect(1)
    loop.set_exception_handler(None)
    assert escaped == []
