"""Every test here runs on a loop without waiting, and leaves nothing behind."""

import asyncio
from collections.abc import Mapping

import pytest

from tests.connection.conftest import silent_loop
from tests.faults.idle_loop import LOOP_FACTORIES, IdleLoop
from tests.interop.certificate import Certificate
from tests.tidiness import tidiness
from trunkline.engines.asyncio_engine import AsyncioEngine

__all__ = ["silent_loop", "tidiness"]


def pytest_asyncio_loop_factories() -> Mapping[str, type[IdleLoop]]:
    """Run asynchronous tests on loops of ours."""
    return LOOP_FACTORIES


@pytest.fixture(autouse=True)
def idle_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the engine's clock be that of the loop, and no proxy of the environment be asked."""
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(AsyncioEngine, "now", lambda _: asyncio.get_running_loop().time())


@pytest.fixture(scope="session")
def certificate() -> Certificate:
    """The certificate of every server that speaks TLS."""
    return Certificate()
