"""Fixtures: places to meet at, on the engine of the test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.engines.ear import KINDS, Harbour, open_harbour
from trunkline.engines.engine import Engine


@asynccontextmanager
async def listening(kind: str, tmp_path: Path, engine: Engine) -> AsyncIterator[Harbour]:
    harbour = await open_harbour(kind, tmp_path, engine)
    yield harbour
    harbour.listener.close()


@pytest.fixture(params=KINDS)
async def harbour(
    request: pytest.FixtureRequest, engine: Engine, tmp_path: Path
) -> AsyncIterator[Harbour]:
    """Listen, in each of the ways."""
    async with listening(request.param, tmp_path, engine) as harbour:
        yield harbour


@pytest.fixture(params=["tcp", "unix"])
async def clear(
    request: pytest.FixtureRequest, engine: Engine, tmp_path: Path
) -> AsyncIterator[Harbour]:
    """Listen without TLS."""
    async with listening(request.param, tmp_path, engine) as harbour:
        yield harbour


@pytest.fixture
async def plain(engine: Engine, tmp_path: Path) -> AsyncIterator[Harbour]:
    """Listen at a port, without TLS."""
    async with listening("tcp", tmp_path, engine) as harbour:
        yield harbour


@pytest.fixture
async def secure(engine: Engine, tmp_path: Path) -> AsyncIterator[Harbour]:
    """Listen at a port, with TLS."""
    async with listening("tcp+tls", tmp_path, engine) as harbour:
        yield harbour
