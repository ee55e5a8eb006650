"""Fixtures: places to meet at, on the engine of the test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.engines.ear import KINDS, Harbour, open_harbour
from trunkline.engines.engine import Engine


@pytest.fixture(params=KINDS)
async def harbour(
    request: pytest.FixtureRequest, engine: Engine, tmp_path: Path
) -> AsyncIterator[Harbour]:
    """Listen, in each of the ways."""
    harbour = await open_harbour(request.param, tmp_path, engine)
    yield harbour
    harbour.listener.close()


@pytest.fixture(params=["tcp", "unix"])
async def clear(
    request: pytest.FixtureRequest, engine: Engine, tmp_path: Path
) -> AsyncIterator[Harbour]:
    """Listen without TLS."""
    harbour = await open_harbour(request.param, tmp_path, engine)
    yield harbour
    harbour.listener.close()


@pytest.fixture
async def plain(engine: Engine, tmp_path: Path) -> AsyncIterator[Harbour]:
    """Listen at a port, without TLS."""
    harbour = await open_harbour("tcp", tmp_path, engine)
    yield harbour
    harbour.listener.close()


@pytest.fixture
async def secure(engine: Engine, tmp_path: Path) -> AsyncIterator[Harbour]:
    """Listen at a port, with TLS."""
    harbour = await open_harbour("tcp+tls", tmp_path, engine)
    yield harbour
    harbour.listener.close()
