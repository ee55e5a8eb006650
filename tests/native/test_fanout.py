"""What only the compiled fan-out does; the contract of both twins is in tests/engines."""

from __future__ import annotations

import asyncio
import importlib
import sys
import threading
from typing import Any

import pytest

from tests.contracts.twins import needs
from tests.engines.test_fanout import Quay, quay
from tests.native.starving import check_starving
from trunkline.engines.choose import new_engine

__all__ = ["quay"]

pytestmark = needs("fanout")

FEW = 20
MOST_ALLOCATIONS = 60
"""More than a fan-out to a few makes."""


async def test_only_native_streams_and_bytes_are_taken() -> None:
    from trunkline.native.fanout import fan_out

    wrong: Any = object()
    with pytest.raises(TypeError):
        fan_out([wrong], b"abc")
    with pytest.raises(TypeError):
        fan_out([], wrong)


def starve() -> None:
    """Let each allocation of a fan-out fail; called in a process of its own."""
    asyncio.run(starve_each())


async def starve_each() -> None:
    testcapi = importlib.import_module("_testcapi")
    quay = Quay(new_engine("native", asyncio.get_running_loop()))
    await quay.moor(FEW)
    failed = []
    for k in range(MOST_ALLOCATIONS):
        testcapi.set_nomemory(k, k + 1)
        try:
            quay.fan_out(quay.streams, b"abc")
            failed.append(False)
        except MemoryError:
            failed.append(True)
        finally:
            testcapi.remove_mem_hooks()
        # Nothing is held back: what is written leaves at once.
        quay.fan_out(quay.streams, b"d")
        for stream, end in zip(quay.streams, quay.ends, strict=True):
            stream.write(b"e")
            assert end.recv(10) == (b"de" if failed[-1] else b"abcde")
    assert any(failed) and not failed[-1]
    quay.close()


def test_without_memory_all_of_it_fails_and_nothing_is_held_back() -> None:
    check_starving(__name__)


async def test_other_threads_run_while_many_are_sent_to(quay: Quay) -> None:
    """Without the GIL nothing is touched that another thread could change."""
    await quay.moor(200)
    stop = threading.Event()
    churn: list[Any] = []

    def run() -> None:
        while not stop.is_set():
            churn.append([object() for _ in range(100)])
            del churn[:-10]

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    thread = threading.Thread(target=run)
    thread.start()
    try:
        for _ in range(20):
            assert quay.fan_out(quay.streams, b"abc") == []
    finally:
        stop.set()
        thread.join()
        sys.setswitchinterval(interval)
    assert [await quay.read(index, 60) for index in range(200)] == [b"abc" * 20] * 200
