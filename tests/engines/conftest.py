"""Here every test runs on both loops, and no exception may escape into either."""

import asyncio
from collections.abc import Callable, Mapping

from tests.engines.harbours import harbour, plain, secure
from tests.engines.loops import LOOPS
from tests.engines.silent_loop import silent_loop

__all__ = ["harbour", "plain", "secure", "silent_loop"]


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return LOOPS
