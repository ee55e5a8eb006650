"""Who takes part in which scenario."""

from pathlib import Path

from benchmarks import lineup, scenarios
from benchmarks.certificate import Certificate
from benchmarks.lineup import LIMIT, PEERS, Peer
from benchmarks.scenarios import ASGI, SCENARIOS, Interface, Scenario
from benchmarks.server import command_line

NOWHERE = Certificate(Path("authority"), Path("server"))


def players(scenario: Scenario) -> list[Peer]:
    return [peer for peer in PEERS if peer.can(scenario)]


def test_where_applications_speak_asgi_uvicorn_has_each_of_its_protocols() -> None:
    for scenario in ASGI:
        assert [peer.name for peer in players(scenario)] == [
            LIMIT,
            "uvicorn+trunkline",
            "uvicorn+websockets",
            "uvicorn+websockets-sansio",
            "uvicorn+wsproto",
        ]


def test_elsewhere_each_server_has_an_application_of_its_own() -> None:
    for scenario in set(SCENARIOS) - set(ASGI):
        assert not any(peer.is_asgi for peer in players(scenario))


def test_the_application_is_the_one_of_the_scenario() -> None:
    (peer,) = (peer for peer in PEERS if peer.name == "uvicorn+trunkline")
    for scenario in ASGI:
        command = command_line(peer, scenario, NOWHERE)
        assert command[-2:] == ["--handler", scenario.interface.value]
    assert {scenario.interface for scenario in ASGI} == {Interface.ASGI, Interface.FASTAPI}


def test_a_quick_run_does_without_them() -> None:
    assert not set(scenarios.QUICK) & {scenario.name for scenario in ASGI}
    assert not any(peer.is_asgi for peer in PEERS if peer.name in lineup.QUICK)
