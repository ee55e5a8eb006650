"""A short run of the soak; `tests/soak/churn.py` and `idle.py` are the long ones."""

from __future__ import annotations

import pytest

from tests.contracts.engines import ENGINES
from tests.soak.churn import churn
from tests.soak.idle import KINDS, bytes_per_connection
from tests.soak.served import HANDLERS

FEW = 2_000
HASTE_SECONDS = 0.25


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("handler", HANDLERS)
def test_connections_of_every_kind_leave_neither_memory_nor_descriptors(
    engine: str, handler: str
) -> None:
    churn(engine, handler, FEW, HASTE_SECONDS)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("options", KINDS.values(), ids=KINDS)
def test_idle_connections_are_held(engine: str, options: tuple[str, ...]) -> None:
    bytes_per_connection(engine, options, FEW // 4)
