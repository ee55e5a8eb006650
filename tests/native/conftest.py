"""What the tests of several compiled modules begin with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from trunkline import native

if native.AVAILABLE:
    from trunkline.native.poller import Poller


@pytest.fixture
async def poller() -> AsyncIterator[Any]:
    poller = Poller(asyncio.get_running_loop())
    yield poller
    poller.close()
