"""Which engine moves the bytes, and why."""

from __future__ import annotations

import asyncio
import logging
import os
from dataclasses import dataclass

from trunkline.engines.asyncio_engine import AsyncioEngine
from trunkline.engines.engine import Engine
from trunkline.errors import UsageError
from trunkline.protocol.endpoint import Endpoint

logger = logging.getLogger("trunkline.engine")

VARIABLE = "TRUNKLINE_ENGINE"
ASYNCIO = "asyncio"
NATIVE = "native"

engines: dict[asyncio.AbstractEventLoop, Engine] = {}


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """Which engine and which endpoint run, and why these."""

    engine: str
    endpoint: str
    why: str


def engine_info() -> EngineInfo:
    """Tell which engine runs, and why.

    Raises:
        UsageError: the environment variable TRUNKLINE_ENGINE names one that is not there.
    """
    wanted = os.environ.get(VARIABLE, "")
    if wanted == NATIVE:
        raise UsageError(f"{VARIABLE} is {NATIVE!r}, and this build has no native engine")
    if wanted not in ("", ASYNCIO):
        raise UsageError(f"{VARIABLE} is {wanted!r}, it can be {ASYNCIO!r} or {NATIVE!r}")
    why = f"{VARIABLE} asks for it" if wanted else "this build has no native engine"
    return EngineInfo(engine=ASYNCIO, endpoint=endpoint_class().__module__, why=why)


def endpoint_class() -> type[Endpoint]:
    """Give the class that reads and writes frames."""
    return Endpoint


def current_engine() -> Engine:
    """Give the engine of the running loop; the first call for a loop makes it."""
    loop = asyncio.get_running_loop()
    engine = engines.get(loop)
    if engine is None:
        info = engine_info()
        logger.debug("engine %s, endpoint %s: %s", info.engine, info.endpoint, info.why)
        forget_closed_loops()
        engine = engines[loop] = AsyncioEngine(loop)
    return engine


def forget_closed_loops() -> None:
    """Let go of the engines whose loop is over: each holds its loop."""
    for loop in [loop for loop in engines if loop.is_closed()]:
        del engines[loop]
