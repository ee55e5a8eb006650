"""Which engine runs, and why."""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref

import pytest

from trunkline.engines.asyncio_engine import AsyncioEngine
from trunkline.engines.choose import (
    VARIABLE,
    EngineInfo,
    current_engine,
    endpoint_class,
    engine_info,
    engines,
    forget_closed_loops,
)
from trunkline.errors import UsageError
from trunkline.protocol.endpoint import Endpoint


@pytest.fixture(autouse=True)
def no_wish(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def test_this_build_has_one_engine_and_says_so() -> None:
    assert engine_info() == EngineInfo(
        engine="asyncio",
        endpoint="trunkline.protocol.endpoint",
        why="this build has no native engine",
    )
    assert endpoint_class() is Endpoint


def test_the_engine_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "asyncio")
    assert engine_info().why == "TRUNKLINE_ENGINE asks for it"


@pytest.mark.parametrize(
    ("wish", "text"),
    [
        ("native", "TRUNKLINE_ENGINE is 'native', and this build has no native engine"),
        ("steam", "TRUNKLINE_ENGINE is 'steam', it can be 'asyncio' or 'native'"),
    ],
)
async def test_an_engine_that_is_not_there_is_refused(
    monkeypatch: pytest.MonkeyPatch, wish: str, text: str
) -> None:
    monkeypatch.setenv(VARIABLE, wish)
    with pytest.raises(UsageError, match=text):
        engine_info()
    with pytest.raises(UsageError, match=text):
        current_engine()


async def test_a_loop_has_one_engine(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "trunkline.engine"):
        engine = current_engine()
        assert current_engine() is engine
    assert isinstance(engine, AsyncioEngine)
    assert caplog.messages == [
        "engine asyncio, endpoint trunkline.protocol.endpoint: this build has no native engine"
    ]


async def test_an_engine_goes_with_its_loop() -> None:
    async def ask() -> None:
        current_engine()

    mine = current_engine()
    loop = asyncio.new_event_loop()
    gone = weakref.ref(loop)
    await asyncio.to_thread(loop.run_until_complete, ask())
    assert loop in engines
    loop.close()
    forget_closed_loops()
    assert loop not in engines
    assert current_engine() is mine
    del loop
    gc.collect()
    assert gone() is None


def test_outside_of_a_loop_there_is_no_engine() -> None:
    with pytest.raises(RuntimeError):
        current_engine()
