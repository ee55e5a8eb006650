"""Which engine runs, and why."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
import weakref
from typing import Any

import pytest

from tests.engines.ear import Ear
from tests.reimport import reimport
from trunkline import native
from trunkline.engines import choose
from trunkline.engines.asyncio_engine import AsyncioEngine, AsyncioStream
from trunkline.engines.choose import (
    VARIABLE,
    EngineInfo,
    current_engine,
    deflate_class,
    endpoint_class,
    engine_info,
    engines,
    forget_closed_loops,
    mask_keys,
    new_engine,
    use_engine,
)
from trunkline.engines.fanout import fan_out
from trunkline.engines.mask_keys import new_mask_key
from trunkline.errors import UsageError
from trunkline.protocol import deflate
from trunkline.protocol.deflate import PerMessageDeflate
from trunkline.protocol.endpoint import Endpoint


@pytest.fixture(autouse=True)
def no_wish(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


WHY_NOT = "this build has no compiled engine"


def test_a_build_without_compiled_modules_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "WHY_NOT", WHY_NOT)
    monkeypatch.setattr(choose, "COMPILED_ENDPOINT", None)
    monkeypatch.setattr(choose, "COMPILED_DEFLATE", None)
    assert engine_info() == EngineInfo(
        engine="asyncio", endpoint="trunkline.protocol.endpoint", why=WHY_NOT
    )
    assert endpoint_class() is Endpoint
    assert deflate_class() is PerMessageDeflate


def test_what_is_not_compiled_is_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "MODULES", frozenset())
    pure = reimport(choose)
    assert pure.COMPILED_ENDPOINT is None
    assert pure.COMPILED_DEFLATE is None
    assert pure.compress_once() is deflate.compress_once
    assert pure.reception_class() is pure.ENTRANCE is None
    assert pure.mask_keys() is new_mask_key
    assert pure.fan_out_for(AsyncioStream(Ear(), 1)) is fan_out


def test_a_build_with_all_of_them_is_native(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "WHY_NOT", None)
    assert engine_info().engine == "native"
    assert engine_info().why == "it is compiled, and works here"


def test_the_engine_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "asyncio")
    assert engine_info().why == "TRUNKLINE_ENGINE asks for it"


@pytest.mark.parametrize(
    ("wish", "text"),
    [
        ("native", "TRUNKLINE_ENGINE is 'native', and this build has no compiled engine"),
        ("steam", "TRUNKLINE_ENGINE is 'steam', it can be 'asyncio' or 'native'"),
    ],
)
async def test_an_engine_that_is_not_there_is_refused(
    monkeypatch: pytest.MonkeyPatch, wish: str, text: str
) -> None:
    monkeypatch.setattr(native, "WHY_NOT", WHY_NOT)
    monkeypatch.setenv(VARIABLE, wish)
    with pytest.raises(UsageError, match=text):
        engine_info()
    with pytest.raises(UsageError, match=text):
        current_engine()


async def test_a_loop_has_one_engine(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "asyncio")
    monkeypatch.delitem(engines, asyncio.get_running_loop(), raising=False)
    with caplog.at_level(logging.DEBUG, "trunkline.engine"):
        engine = current_engine()
        assert current_engine() is engine
    assert isinstance(engine, AsyncioEngine)
    endpoint = endpoint_class().__module__
    assert caplog.messages == [f"engine asyncio, endpoint {endpoint}: TRUNKLINE_ENGINE asks for it"]
    engines.pop(asyncio.get_running_loop())


@pytest.mark.skipif(not native.AVAILABLE, reason=str(native.WHY_NOT))
async def test_the_native_engine_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "native")
    engine = new_engine(engine_info().engine, asyncio.get_running_loop())
    assert type(engine).__name__ == "NativeEngine"
    engine.close()


@pytest.mark.skipif("deflate" not in native.MODULES, reason="deflate is not built here")
def test_what_is_compiled_of_deflate_is_used() -> None:
    assert deflate_class().__module__ == "trunkline.native.deflate"


@pytest.mark.skipif("masking" not in native.MODULES, reason="masking is not built here")
def test_the_keys_of_clients_come_from_the_pool() -> None:
    assert mask_keys().__module__ == "trunkline.native.masking"


async def test_an_engine_goes_with_its_loop() -> None:
    async def ask() -> None:
        current_engine()

    mine = current_engine()
    loop = asyncio.new_event_loop()
    gone = weakref.ref(loop)
    # A thread of an executor would hold the loop a little longer than it is waited for.
    thread = threading.Thread(target=loop.run_until_complete, args=(ask(),))
    thread.start()
    thread.join()
    del thread
    assert loop in engines
    loop.close()
    forget_closed_loops()
    assert loop not in engines
    assert current_engine() is mine
    del loop
    gc.collect()
    assert gone() is None


def test_other_threads_forget_closed_loops_at_the_same_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known: dict[Any, Any] = {}
    monkeypatch.setattr(choose, "engines", known)

    class Loop:
        """Is looked at while another thread makes an engine, and forgets this one."""

        def __init__(self, then: Any) -> None:
            self.then = then

        def is_closed(self) -> bool:
            self.then(self)
            return True

    def make_another(_: Loop) -> None:
        known[Loop(known.pop)] = Engine()

    class Engine:
        def close(self) -> None:
            ended.append(self)

    ended: list[Engine] = []
    known[Loop(known.pop)] = Engine()
    known[Loop(make_another)] = last = Engine()
    forget_closed_loops()
    assert ended == [last] and len(known) == 1


def test_outside_of_a_loop_there_is_no_engine() -> None:
    with pytest.raises(RuntimeError):
        current_engine()


def test_what_is_sent_to_many_takes_the_compiled_way_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Known:
        """A stream with a way of its own."""

    def special(streams: object, data: bytes) -> list[Any]:
        return []

    monkeypatch.setitem(choose.COMPILED_FAN_OUT, Known, special)
    known: Any = Known()
    other: Any = object()
    assert choose.fan_out_for(known) is special
    assert choose.fan_out_for(other) is fan_out


def test_what_is_compressed_once_is_compressed_by_what_is_compiled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert choose.compress_once() is (choose.COMPILED_COMPRESS_ONCE or deflate.compress_once)
    monkeypatch.setattr(choose, "COMPILED_COMPRESS_ONCE", None)
    assert choose.compress_once() is deflate.compress_once


def test_requests_like_earlier_ones_are_answered_by_what_is_compiled() -> None:
    assert (choose.reception_class() is not None) == ("opening" in native.MODULES)


async def test_streams_of_the_asyncio_engine_are_opened_by_the_reference() -> None:
    assert choose.entrance_class(AsyncioEngine(asyncio.get_running_loop())) is None
    native_engine: Any = object()
    assert choose.entrance_class(native_engine) is choose.ENTRANCE


async def test_a_loop_can_have_another_engine_for_a_while() -> None:
    loop = asyncio.get_running_loop()
    usual, other = current_engine(), AsyncioEngine(loop)
    with use_engine(other):
        assert current_engine() is other
    assert current_engine() is usual
    del engines[loop]
    with pytest.raises(LookupError), use_engine(other):
        raise LookupError
    assert loop not in engines


async def test_a_loop_without_an_engine_has_none_after_a_loan() -> None:
    loop = asyncio.get_running_loop()
    engines.pop(loop, None)
    other = AsyncioEngine(loop)
    with use_engine(other):
        assert current_engine() is other
    assert loop not in engines
