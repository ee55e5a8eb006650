"""Every contract is asked of every engine, on both loops; no exception is logged unexpectedly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import pytest

from tests.contracts.engines import ENGINES, make_engine
from tests.contracts.escapes import escapes
from tests.engines.harbours import clear, harbour, plain, secure
from tests.engines.loops import LOOPS
from trunkline.engines.choose import VARIABLE
from trunkline.engines.engine import Engine

__all__ = ["clear", "escapes", "harbour", "plain", "secure"]

Factory = Callable[[], asyncio.AbstractEventLoop]


def in_debug_mode(make_loop: Factory) -> Factory:
    def make() -> asyncio.AbstractEventLoop:
        loop = make_loop()
        loop.set_debug(True)
        return loop

    return make


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Factory]:
    """Run on both loops; what concerns tasks runs in debug mode, too."""
    if not item.path.name.startswith("test_coroutines"):
        return LOOPS
    return LOOPS | {f"{name}-debug": in_debug_mode(make) for name, make in LOOPS.items()}


@pytest.fixture(params=ENGINES)
def engine_name(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Ask for each engine in turn."""
    name: str = request.param
    monkeypatch.setenv(VARIABLE, name)
    return name


@pytest.fixture
async def engine(engine_name: str) -> AsyncIterator[Engine]:
    """Make an engine for the loop of the test."""
    engine = make_engine(engine_name)
    yield engine
    engine.close()
