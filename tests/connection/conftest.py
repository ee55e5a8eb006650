"""No exception may escape into the loop; where streams are real, both loops are tried."""

import asyncio
from collections.abc import Callable, Mapping

import pytest

from tests.engines.loops import LOOPS
from tests.engines.silent_loop import silent_loop

__all__ = ["silent_loop"]


def pytest_asyncio_loop_factories(
    item: pytest.Item,
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    if item.path.name == "test_real_streams.py":
        return LOOPS
    return {"asyncio": LOOPS["asyncio"]}
