"""Short runs of the soak; the scripts beside this file are the long ones."""

from __future__ import annotations

import pytest

from tests.contracts.engines import ENGINES
from tests.soak.churn import churn
from tests.soak.idle import KINDS, bytes_per_connection
from tests.soak.served import HANDLERS
from tests.soak.slow_http import MODES, is_installed, slow_down
from tests.soak.stalled import Load, play

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
    bytes_per_connection(engine, options, FEW // 8)


@pytest.mark.parametrize("engine", ENGINES)
def test_who_never_reads_is_cut_off_and_takes_no_more_memory_than_he_may(engine: str) -> None:
    outcome = play(engine, Load(stalled=200, reading=20, messages=60, size=16 * 1024))
    assert outcome.codes == {"1013": 200}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("mode", MODES)
def test_slow_clients_do_not_keep_others_from_being_served(engine: str, mode: str) -> None:
    if not is_installed():
        pytest.skip("slowhttptest is not installed: run `tools/setup test`")
    assert slow_down(engine, mode, connections=100, seconds=3)["failed_visits"] == 0
