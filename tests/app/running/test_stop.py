import asyncio
import logging
import signal
from typing import Any, cast

import pytest

from trunkline.app.app_server import AppServer
from trunkline.app.running.deadline import Deadline
from trunkline.app.running.stop import Stop, longest
from trunkline.limits import END_GRACE, Drain

DRAIN = Drain(readiness_delay=1.0, window=2.0, patience=3.0)
logger = logging.getLogger("trunkline.app")


class Times(list[float]):
    """In place of a deadline."""

    def set(self, seconds: float) -> None:
        self.append(seconds)


class Draining:
    """In place of a server: its drain ends when it is cut, or at once."""

    def __init__(self, stays: bool = False) -> None:
        self.cuts = asyncio.Event()
        self.stays = stays
        self.delay: Any = "none was asked"

    async def drain(self, *, readiness_delay: float | None) -> None:
        self.delay = readiness_delay
        if self.stays:
            await self.cuts.wait()

    def cut(self) -> None:
        self.cuts.set()


def make_stop() -> tuple[Stop, Times]:
    times = Times()
    return Stop(DRAIN, cast(Deadline, times), logger), times


async def test_the_first_wish_counts() -> None:
    stop, times = make_stop()
    stop.drain(readiness_delay=0.0)
    stop.drain()
    await stop.wait()
    server = Draining()
    await stop.carry_out(cast(AppServer, server))
    assert (server.delay, server.cuts.is_set()) == (0.0, False)
    assert times == [longest(DRAIN)] == [6.0 + END_GRACE]


async def test_a_cut_may_come_while_it_drains() -> None:
    stop, times = make_stop()
    stop.drain()
    server = Draining(stays=True)
    carrying = asyncio.create_task(stop.carry_out(cast(AppServer, server)))
    await asyncio.sleep(0)
    stop.cut()
    await carrying
    assert times == [longest(DRAIN), END_GRACE]


async def test_two_signals_drain_and_cut(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    stop, times = make_stop()
    stop.signalled(signal.SIGTERM)
    await stop.wait()
    assert "draining: everybody is asked to leave within 5 s" in caplog.text
    server = Draining(stays=True)
    carrying = asyncio.create_task(stop.carry_out(cast(AppServer, server)))
    await asyncio.sleep(0)
    stop.signalled(signal.SIGTERM)
    await carrying
    assert times[-1] == END_GRACE


async def test_a_third_signal_ends_the_process() -> None:
    stop, _ = make_stop()
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for _ in range(3):
        stop.signalled(signal.SIGCHLD)  # whose default it is to be ignored
    assert signal.getsignal(signal.SIGCHLD) is signal.SIG_DFL


async def test_a_worker_may_hear_of_the_same_wish_from_two_sides() -> None:
    stop, times = make_stop()
    stop.terminated(signal.SIGTERM)
    stop.terminated(signal.SIGTERM)
    await stop.wait()
    server = Draining()
    await stop.carry_out(cast(AppServer, server))
    assert not server.cuts.is_set()
    assert set(times) == {longest(DRAIN)}
