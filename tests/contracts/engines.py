"""The engines of which the contract is asked."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

import pytest

from trunkline import native
from trunkline.engines.asyncio_engine import AcceptedStream, AsyncioEngine, AsyncioStream
from trunkline.engines.choose import ASYNCIO, NATIVE, VARIABLE
from trunkline.engines.engine import Engine
from trunkline.testing.memory_engine import MemoryEngine

# Where it is asked for, that it is missing is a failure.
IS_NATIVE_EXPECTED = native.AVAILABLE or os.environ.get(VARIABLE) == NATIVE

NATIVE_ENGINE = pytest.param(
    NATIVE,
    marks=pytest.mark.skipif(not IS_NATIVE_EXPECTED, reason=str(native.WHY_NOT)),
)
ENGINES = [ASYNCIO, NATIVE_ENGINE]
MEMORY = "memory"
"""The engine of the testing kit: nobody has to choose it, it needs no machine."""


def kinds() -> dict[str, Callable[[asyncio.AbstractEventLoop], Engine]]:
    """Give the engines that there are, by their names."""
    if not native.AVAILABLE:
        return {ASYNCIO: AsyncioEngine}
    # Where nothing is compiled, the module cannot be imported.
    from trunkline.engines.native_engine import NativeEngine

    return {ASYNCIO: AsyncioEngine, NATIVE: NativeEngine}


ENGINE_KINDS = kinds()


def stream_kinds() -> tuple[type, ...]:
    """Give the classes of the streams of all engines."""
    if not native.AVAILABLE:
        return (AsyncioStream, AcceptedStream)
    from trunkline.native.stream import Stream as NativeStream

    return (AsyncioStream, AcceptedStream, NativeStream)


STREAM_KINDS = stream_kinds()


def make_engine(name: str) -> Engine:
    """Make an engine for the running loop."""
    kinds = ENGINE_KINDS | {MEMORY: MemoryEngine}
    return kinds[name](asyncio.get_running_loop())
