"""Every test here runs on a loop without waiting, and leaves nothing behind."""

import asyncio
import time
from collections.abc import Mapping

import pytest

from tests.connection.conftest import silent_loop
from tests.contracts.engines import ENGINE_KINDS
from tests.faults.idle_loop import LOOP_FACTORIES, IdleLoop
from tests.interop.certificate import Certificate
from tests.tidiness import tidiness
from trunkline.connection import lane
from trunkline.connection.link import Link
from trunkline.engines.engine import Engine, Stream

__all__ = ["silent_loop", "tidiness"]


def pytest_asyncio_loop_factories() -> Mapping[str, type[IdleLoop]]:
    """Run asynchronous tests on loops of ours."""
    return LOOP_FACTORIES


def idle_loop() -> IdleLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, IdleLoop)
    return loop


def set_last_heard(link: Link, now: float) -> None:
    assert now == idle_loop().time()
    link.stream.last_heard = time.monotonic()


def silence_of(engine: Engine, stream: Stream) -> float:
    return engine.now() - idle_loop().time_at(stream.last_heard)


@pytest.fixture(autouse=True)
def idle_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every clock be that of the loop, and no proxy of the environment be asked.

    A stream reads the real clock when bytes arrive, in C perhaps; that is translated.
    """
    monkeypatch.setenv("no_proxy", "*")
    heard = property(lambda link: idle_loop().time_at(link.stream.last_heard), set_last_heard)
    monkeypatch.setattr(Link, "last_heard", heard)
    monkeypatch.setattr(lane, "silence_of", silence_of)
    for kind in ENGINE_KINDS.values():
        monkeypatch.setattr(kind, "now", lambda _: idle_loop().time())


@pytest.fixture(scope="session")
def certificate() -> Certificate:
    """The certificate of every server that speaks TLS."""
    return Certificate()
