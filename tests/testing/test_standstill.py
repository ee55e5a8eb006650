"""A loop whose time stands still: when it is idle, and when it is not."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import uvloop

from tests.contracts.engines import ENGINES, make_engine
from tests.engines.ear import Ear
from trunkline import UsageError
from trunkline.engines.choose import use_engine
from trunkline.engines.engine import Address, Engine
from trunkline.testing import standstill
from trunkline.testing.standstill import Standstill


class Keeper:
    """Keeps the time, and moves it whenever the loop is idle."""

    def __init__(self) -> None:
        self.time = 100.0
        self.delays: list[float | None] = []
        self.is_helpful = True

    def now(self) -> float:
        return self.time

    def idle(self, delay: float | None) -> bool:
        self.delays.append(delay)
        if not self.is_helpful or delay is None:
            return False
        self.time += delay
        return True


@pytest.fixture
def keeper() -> Keeper:
    return Keeper()


@pytest.fixture
async def still(keeper: Keeper) -> Standstill:
    return Standstill(asyncio.get_running_loop(), keeper.now, keeper.idle)


@pytest.fixture
def pipe() -> Iterator[tuple[socket.socket, socket.socket]]:
    ends = socket.socketpair()
    for end in ends:
        end.setblocking(False)
    yield ends
    for end in ends:
        end.close()


async def test_time_passes_only_when_nobody_can_go_on(keeper: Keeper, still: Standstill) -> None:
    loop = asyncio.get_running_loop()
    still.begin()
    try:
        assert loop.time() == 100
        for _ in range(10):
            await asyncio.sleep(0)
        assert (loop.time(), keeper.delays) == (100, [])
        await asyncio.sleep(5)
        assert loop.time() == 105
    finally:
        still.end()
    assert loop.time() == 105
    assert still.real_time() != 105


async def test_a_thread_at_work_is_waited_for(keeper: Keeper, still: Standstill) -> None:
    go_on = threading.Event()
    still.begin()
    try:
        # Its deadline would be the first thing to come if time passed.
        async with asyncio.timeout(1):
            working = asyncio.ensure_future(asyncio.to_thread(go_on.wait))
            await asyncio.sleep(0)
            threading.Timer(0.01, go_on.set).start()
            assert await working
        assert keeper.time == 100
        await asyncio.sleep(1)
        assert keeper.time == 101
    finally:
        still.end()


async def test_real_sockets_must_have_been_silent(
    keeper: Keeper,
    still: Standstill,
    pipe: tuple[socket.socket, socket.socket],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(standstill, "TEST_QUIET", 20.0)
    loop = asyncio.get_running_loop()
    still.begin()
    try:
        async with asyncio.timeout(1):
            threading.Timer(0.01, pipe[1].send, [b"x"]).start()
            assert await loop.sock_recv(pipe[0], 1) == b"x"
        assert keeper.time == 100
        monkeypatch.setattr(standstill, "TEST_QUIET", 0.001)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await loop.sock_recv(pipe[0], 1)
        assert keeper.time == 101
    finally:
        still.end()


def waits_of(still: Standstill) -> list[float | None]:
    """Give a list of the seconds for which the loop really waits, from now on."""
    waits: list[float | None] = []
    really_select = still._really_select

    def select(timeout: float | None) -> Any:
        waits.append(timeout)
        return really_select(timeout)

    still._really_select = select
    return waits


@pytest.fixture(params=ENGINES)
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[Engine]:
    engine = make_engine(request.param)
    with use_engine(engine):
        yield engine
    engine.close()


async def sleep_through(keeper: Keeper) -> list[float | None]:
    """Sleep five virtual seconds; give the real ones in which anything else was waited for."""
    still = Standstill(asyncio.get_running_loop(), keeper.now, keeper.idle)
    waits = waits_of(still)
    still.begin()
    try:
        await asyncio.sleep(5)
    finally:
        still.end()
    return waits


async def test_an_engine_that_is_there_and_idle_costs_no_real_time(
    keeper: Keeper, engine: Engine
) -> None:
    waits = await sleep_through(keeper)
    assert keeper.time == 105
    assert waits and set(waits) == {0}


async def test_the_sockets_of_an_engine_must_have_been_silent(
    keeper: Keeper, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standstill, "TEST_QUIET", 0.001)
    address = Address(host="127.0.0.1", port=0)
    listener = await engine.listen(address, lambda stream: Ear(), tls=None, write_limit=1)
    await listener.start()
    try:
        waits = await sleep_through(keeper)
    finally:
        listener.close()
    assert 0.001 in waits


async def test_where_time_cannot_help_the_loop_really_waits(
    keeper: Keeper, still: Standstill
) -> None:
    keeper.is_helpful = False
    loop = asyncio.get_running_loop()
    called = loop.create_future()
    still.begin()
    try:
        threading.Timer(0.01, loop.call_soon_threadsafe, [called.set_result, None]).start()
        await called
    finally:
        still.end()
    assert keeper.delays[0] is None


def test_a_loop_that_keeps_its_time_in_c_is_refused(keeper: Keeper) -> None:
    loop = uvloop.new_event_loop()
    try:
        with pytest.raises(
            UsageError,
            match=r"needs an event loop of asyncio's own, not uvloop\.Loop: "
            r"run this test with loop_factory=asyncio\.new_event_loop",
        ):
            Standstill(loop, keeper.now, keeper.idle)
    finally:
        loop.close()
