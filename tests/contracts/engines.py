"""The engines of which the contract is asked."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

import pytest

from trunkline import native
from trunkline.engines.asyncio_engine import AsyncioEngine
from trunkline.engines.choose import NATIVE, VARIABLE
from trunkline.engines.engine import Engine

# Where it is asked for, that it is missing is a failure.
IS_NATIVE_EXPECTED = native.AVAILABLE or os.environ.get(VARIABLE) == NATIVE

NATIVE_ENGINE = pytest.param(
    NATIVE,
    marks=pytest.mark.skipif(not IS_NATIVE_EXPECTED, reason=str(native.WHY_NOT)),
)
ENGINES = ["asyncio", NATIVE_ENGINE]


def make_native(loop: asyncio.AbstractEventLoop) -> Engine:
    """Make the engine on epoll."""
    from trunkline.engines.native_engine import NativeEngine

    return NativeEngine(loop)


MAKERS: dict[str, Callable[[asyncio.AbstractEventLoop], Engine]] = {
    "asyncio": AsyncioEngine,
    NATIVE: make_native,
}


def make_engine(name: str) -> Engine:
    """Make an engine for the running loop."""
    return MAKERS[name](asyncio.get_running_loop())
