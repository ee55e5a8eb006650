"""Every contract is asked of every engine, on both loops; no exception is logged unexpectedly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import pytest

from tests.contracts.engines import ENGINES, MEMORY, make_engine
from tests.contracts.escapes import escapes
from tests.engines.harbours import clear, harbour, plain, secure
from tests.engines.loops import LOOPS
from trunkline.engines.choose import VARIABLE, use_engine
from trunkline.engines.engine import Engine

__all__ = ["clear", "escapes", "harbour", "plain", "secure"]

Factory = Callable[[], asyncio.AbstractEventLoop]


def in_debug_mode(make_loop: Factory) -> Factory:
    def make() -> asyncio.AbstractEventLoop:
        loop = make_loop()
        # In the first round, because whoever runs the tests sets it when the loop has been made.
        loop.call_soon(loop.set_debug, True)
        return loop

    return make


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Factory]:
    """Run on both loops; what concerns tasks runs in debug mode, too."""
    if not item.path.name.startswith("test_coroutines"):
        return LOOPS
    return LOOPS | {f"{name}-debug": in_debug_mode(make) for name, make in LOOPS.items()}


OF_THE_MACHINE = {"test_engine_places", "test_engine_processes", "test_rates"}
"""Contracts about what an engine in memory does not touch, or whose strangers need a socket."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Ask each engine in turn."""
    if "engine_name" in metafunc.fixturenames:
        is_for_all = metafunc.definition.path.stem not in OF_THE_MACHINE
        names = [*ENGINES, MEMORY] if is_for_all else ENGINES
        metafunc.parametrize("engine_name", names, indirect=True)


@pytest.fixture
def engine_name(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Ask for an engine."""
    name: str = request.param
    if name != MEMORY:
        monkeypatch.setenv(VARIABLE, name)
    return name


@pytest.fixture(autouse=True)
async def in_memory(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """Let the loop have the engine in memory where that is asked for: no variable can."""
    if "engine_name" in request.fixturenames and request.getfixturevalue("engine_name") == MEMORY:
        with use_engine(make_engine(MEMORY)):
            yield
    else:
        yield


@pytest.fixture
async def engine(engine_name: str) -> AsyncIterator[Engine]:
    """Make an engine for the loop of the test."""
    engine = make_engine(engine_name)
    yield engine
    engine.close()
