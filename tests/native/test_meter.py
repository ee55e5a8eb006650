"""The compiled meter: what only it can get wrong. The rest is asked of both, in the contracts."""

from __future__ import annotations

import asyncio
import gc
import socket
import weakref
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.contracts.twins import needs
from tests.engines.ear import HANG
from tests.native.line import binary, new_engine, talk, text
from tests.native.test_life import Blind, goodbye, has_link, until
from trunkline import native
from trunkline.connection.events import Events
from trunkline.limits import APP_LIMITS, Excess, Limits, Rate
from trunkline.protocol.role import Role

if native.AVAILABLE:
    from trunkline.native.meter import Meter, Rates

pytestmark = needs("meter")

SCARCE = Rate(1, per=1e6, burst=2)
EMPTY_FIRST = b"\x01\x00"
EMPTY_LAST = b"\x80\x00"


@pytest.fixture
async def engine() -> AsyncIterator[Any]:
    engine = new_engine()
    yield engine
    engine.close()


def meter_of(ws: Any) -> Any:
    return ws._stream.receiver


async def test_without_rates_nothing_stands_before_a_connection(engine: Any) -> None:
    one = talk(engine, events=Blind())
    assert one.ws._stream.receiver is one.ws
    await one.end()


async def test_with_rates_a_meter_does_and_the_engine_still_knows_whom_it_works_for(
    engine: Any,
) -> None:
    one = talk(engine, events=Blind(), message_rate=SCARCE)
    assert isinstance(meter_of(one.ws), Meter)
    assert one.ws in list(engine.owners())
    assert not has_link(one.ws)
    assert one.ws._link.meter is meter_of(one.ws)
    await one.end()
    assert one.ws._link.meter is not None and not one.ws._link.is_deaf


def test_rates_are_made_of_limits_and_meters_of_both() -> None:
    with pytest.raises(AttributeError):
        Rates(None)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Meter(Rates(Limits()), None)  # type: ignore[arg-type]


async def test_a_metered_connection_at_rest_has_no_link(engine: Any) -> None:
    diary = Blind()
    one = talk(engine, Role.CLIENT, diary, message_rate=SCARCE, idle_timeout=60.0)
    one.say(text("a"), b"\x89\x00", b"\x8a\x00")
    await until(lambda: len(diary.lines) == 4)
    assert not has_link(one.ws)
    await one.end()


async def test_it_goes_on_reading_without_a_link_as_well(engine: Any) -> None:
    diary = Blind()
    one = talk(engine, events=diary, message_rate=Rate(100, burst=1))
    one.say(text("a"), text("b"))
    await until(lambda: meter_of(one.ws).is_holding)
    one.say(text("c"))
    await until(lambda: len(diary.lines) == 4)
    assert not has_link(one.ws)
    await one.end()


async def test_what_follows_an_empty_fragment_in_its_read_is_understood(engine: Any) -> None:
    diary = Blind()
    one = talk(engine, events=diary, control_rate=Rate(1_000))
    one.say(EMPTY_FIRST, EMPTY_LAST, text("a"), EMPTY_FIRST, b"\x80\x01x", binary(bytes(70_000)))
    one.say(text("b"))
    await until(lambda: len(diary.lines) == 6)
    assert [line[1] for line in diary.lines[1:]] == ["", "a", "x", bytes(70_000), "b"]
    await one.end()


async def test_a_connection_that_is_lost_while_it_waits_leaves_nothing_behind(engine: Any) -> None:
    one = talk(engine, events=Blind(), message_rate=SCARCE)
    one.say(*[text("a")] * 3)
    await until(lambda: meter_of(one.ws).is_holding)
    ws, meter = weakref.ref(one.ws), meter_of(one.ws)
    one.ws.abort()
    one.ws = None
    async with asyncio.timeout(HANG):
        while one.line.stream.receiver is not None:
            await asyncio.sleep(0)
    assert len(engine.timers) == 0 and not meter.is_holding
    gc.collect()
    assert ws() is None
    one.line.peer.close()


async def test_without_a_link_it_is_freed_without_the_collector(engine: Any) -> None:
    one = talk(engine, Role.SERVER, Blind(), message_rate=SCARCE, idle_timeout=60.0)
    ws = weakref.ref(one.ws)
    one.say(goodbye(1000))
    one.line.peer.shutdown(socket.SHUT_WR)
    one.ws = None
    gc.disable()
    try:
        await until(lambda: ws() is None)
    finally:
        gc.enable()
    one.line.peer.close()


class Failing(Events):
    """Fails in the middle of a read."""

    def on_message(self, ws: Any, data: str | bytes) -> None:
        raise KeyError("the handler's own")


@pytest.mark.parametrize("excess", list(Excess))
async def test_a_handler_that_fails_closes_with_1011_whatever_the_rates(
    engine: Any, excess: Excess, caplog: pytest.LogCaptureFixture
) -> None:
    one = talk(engine, events=Failing(), message_rate=SCARCE, on_excess=excess)
    one.say(*[text("a")] * 5)
    await until(lambda: not one.ws._link.can_send)
    assert one.ws._link.ending.sent.code == 1011
    assert not meter_of(one.ws).is_holding
    await one.end()


@pytest.mark.parametrize("excess", list(Excess))
async def test_a_handler_may_abort_in_the_middle_of_a_read(engine: Any, excess: Excess) -> None:
    class Aborting(Events):
        heard = 0

        def on_message(self, ws: Any, data: str | bytes) -> None:
            Aborting.heard += 1
            ws.abort()

    one = talk(engine, events=Aborting(), message_rate=SCARCE, on_excess=excess)
    one.say(*[text("a")] * 5)
    await one.ws.wait_closed()
    assert Aborting.heard == 1 and len(engine.timers) == 0
    one.line.peer.close()


async def test_a_read_that_closes_leaves_its_messages_to_the_reader(engine: Any) -> None:
    one = talk(engine, message_rate=SCARCE, on_excess=Excess.CLOSE)
    one.say(*[text(letter) for letter in "abcd"])
    assert [await one.ws.recv(), await one.ws.recv()] == ["a", "b"]
    await until(lambda: one.ws.close_code == 1008)
    await one.end()


async def test_what_an_application_allows_lets_ordinary_messages_through(engine: Any) -> None:
    diary = Blind()
    limits = {name: getattr(APP_LIMITS, name) for name in ("message_rate", "byte_rate")}
    one = talk(engine, events=diary, **limits)
    one.say(*[text("a")] * 1000)
    await until(lambda: len(diary.lines) == 1001)
    assert not meter_of(one.ws).is_holding
    await one.end()
