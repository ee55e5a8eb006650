"""Every test leaves nothing behind, and logs no exception unexpectedly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.contracts.engines import ENGINES
from tests.contracts.escapes import escapes
from tests.tidiness import tidiness
from trunkline.engines.choose import VARIABLE, current_engine, engines

__all__ = ["escapes", "tidiness"]


@pytest.fixture(params=ENGINES)
async def either_engine(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tidiness: None
) -> AsyncIterator[str]:
    """Put each engine in turn in the place of the one that the loop has."""
    name: str = request.param
    monkeypatch.setenv(VARIABLE, name)
    engines.pop(asyncio.get_running_loop()).close()
    current_engine()
    yield name
