"""Which engine moves the bytes, and why."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from trunkline import native
from trunkline.engines.asyncio_engine import AsyncioEngine
from trunkline.engines.engine import Engine, Stream
from trunkline.engines.fanout import fan_out
from trunkline.engines.mask_keys import new_mask_key
from trunkline.errors import UsageError
from trunkline.protocol import deflate
from trunkline.protocol.deflate import PerMessageDeflate
from trunkline.protocol.endpoint import Endpoint

if TYPE_CHECKING:
    from trunkline.native.arrival import Entrance
    from trunkline.native.opening import Reception

COMPILED_ENDPOINT: type[Endpoint] | None = None
if "endpoint" in native.MODULES:
    # A twin: the same methods and nothing in common otherwise.
    from trunkline.native.endpoint import Endpoint as Compiled

    COMPILED_ENDPOINT = cast(type[Endpoint], Compiled)

COMPILED_DEFLATE: type[PerMessageDeflate] | None = None
COMPILED_COMPRESS_ONCE: Callable[[bytes, int], bytes] | None = None
if "deflate" in native.MODULES:
    from trunkline.native import deflate as compiled_deflate

    COMPILED_DEFLATE = cast(type[PerMessageDeflate], compiled_deflate.PerMessageDeflate)
    COMPILED_COMPRESS_ONCE = compiled_deflate.compress_once

RECEPTION: type[Reception] | None = None
"""The compiled way to answer requests that are like earlier ones; the reference needs none."""
if "opening" in native.MODULES:
    from trunkline.native.opening import Reception as CompiledReception

    RECEPTION = CompiledReception

ENTRANCE: type[Entrance] | None = None
"""The compiled way from accept() to an open connection, for streams of the native engine."""
if "arrival" in native.MODULES:
    from trunkline.native.arrival import Entrance as CompiledEntrance

    ENTRANCE = CompiledEntrance

COMPILED_MASK_KEYS: Callable[[], bytes] | None = None
"""Takes keys from a pool: without a system call for each, and in C where the endpoint is."""
if "masking" in native.MODULES:
    from trunkline.native import masking as compiled_masking

    COMPILED_MASK_KEYS = compiled_masking.new_mask_key

FanOut = Callable[[Sequence[Stream], bytes], list[Stream]]
"""Sends the same bytes on many streams; see `engines.fanout`."""

COMPILED_FAN_OUT: dict[type, FanOut] = {}
"""The compiled one, for the class of native streams."""
if "fanout" in native.MODULES:
    from trunkline.native import fanout as compiled_fanout
    from trunkline.native.stream import Stream as NativeStream

    COMPILED_FAN_OUT[NativeStream] = cast(FanOut, compiled_fanout.fan_out)

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
    engine, why = choose(os.environ.get(VARIABLE, ""))
    return EngineInfo(engine=engine, endpoint=endpoint_class().__module__, why=why)


def choose(wanted: str) -> tuple[str, str]:
    """Give the engine for what the environment wants, and the reason."""
    if wanted not in ("", ASYNCIO, NATIVE):
        raise UsageError(f"{VARIABLE} is {wanted!r}, it can be {ASYNCIO!r} or {NATIVE!r}")
    if wanted == NATIVE and native.WHY_NOT is not None:
        raise UsageError(f"{VARIABLE} is {NATIVE!r}, and {native.WHY_NOT}")
    if wanted:
        return wanted, f"{VARIABLE} asks for it"
    if native.WHY_NOT is not None:
        return ASYNCIO, native.WHY_NOT
    return NATIVE, "it is compiled, and works here"


def endpoint_class() -> type[Endpoint]:
    """Give the class that reads and writes frames: the compiled one, where it works."""
    return COMPILED_ENDPOINT or Endpoint


def deflate_class() -> type[PerMessageDeflate]:
    """Give the class that compresses and inflates: the compiled one, where it works."""
    return COMPILED_DEFLATE or PerMessageDeflate


def compress_once() -> Callable[[bytes, int], bytes]:
    """Give the function that compresses for many connections: the compiled one, where it works."""
    return COMPILED_COMPRESS_ONCE or deflate.compress_once


def reception_class() -> type[Reception] | None:
    """Give the class that answers requests that are like earlier ones, where it is compiled."""
    return RECEPTION


def entrance_class(engine: Engine) -> type[Entrance] | None:
    """Give the class that opens connections of `engine`, where it is compiled."""
    return None if isinstance(engine, AsyncioEngine) else ENTRANCE


def mask_keys() -> Callable[[], bytes]:
    """Give the source of a client's mask keys: the compiled one, where it works."""
    return COMPILED_MASK_KEYS or new_mask_key


def fan_out_for(stream: Stream) -> FanOut:
    """Give the function that sends the same bytes on many streams like this one."""
    return COMPILED_FAN_OUT.get(type(stream), fan_out)


def current_engine() -> Engine:
    """Give the engine of the running loop; the first call for a loop makes it."""
    loop = asyncio.get_running_loop()
    engine = engines.get(loop)
    if engine is None:
        info = engine_info()
        logger.debug("engine %s, endpoint %s: %s", info.engine, info.endpoint, info.why)
        forget_closed_loops()
        engine = engines[loop] = new_engine(info.engine, loop)
    return engine


@contextmanager
def use_engine(engine: Engine) -> Iterator[None]:
    """Let `engine` be that of the running loop until the block ends; then the one before."""
    loop = asyncio.get_running_loop()
    before = engines.get(loop)
    engines[loop] = engine
    try:
        yield
    finally:
        del engines[loop]
        if before is not None:
            engines[loop] = before


def new_engine(name: str, loop: asyncio.AbstractEventLoop) -> Engine:
    """Make the engine of that name."""
    if name == ASYNCIO:
        return AsyncioEngine(loop)
    # Where nothing is compiled, the module cannot be imported.
    from trunkline.engines.native_engine import NativeEngine

    return NativeEngine(loop)


def forget_closed_loops() -> None:
    """Let go of the engines whose loop is over: each holds its loop."""
    # Other threads, whose loops have engines as well, do the same at the same time.
    for loop in list(engines):
        engine = engines.pop(loop, None) if loop.is_closed() else None
        if engine is not None:
            engine.close()
