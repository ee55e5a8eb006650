"""What only the compiled fan-out does; the contract of both twins is in tests/engines."""

from __future__ import annotations

import sys
import threading
from typing import Any

import pytest

from tests.contracts.twins import needs
from tests.engines.test_fanout import Quay, quay

__all__ = ["quay"]

pytestmark = needs("fanout")


async def test_only_native_streams_and_bytes_are_taken() -> None:
    from trunkline.native.fanout import fan_out

    wrong: Any = object()
    with pytest.raises(TypeError):
        fan_out([wrong], b"abc")
    with pytest.raises(TypeError):
        fan_out([], wrong)


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
