"""What the load prints, and how it is asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.certificate import Certificate
from benchmarks.held_load import LoadFailed
from benchmarks.sample import load_command, parse_sample
from benchmarks.scenarios import choose

PRINTED = {
    "messages": 1000,
    "seconds": 0.5,
    "cpu_seconds": 0.25,
    "waited_seconds": 0.05,
    "p50_us": 10.0,
    "p99_us": 20.0,
    "max_us": 30.0,
    "received_bytes": 66_000,
    "reads": 1000,
}
FILES = Certificate(Path("server.pem"), Path("authority.pem"))


def test_a_sample_is_made_of_what_the_load_prints() -> None:
    assert parse_sample(json.dumps(PRINTED)).as_json() == {
        "rate": 2000.0,
        "cpu_us": 250.0,
        "busy": 0.5,
        "disturbed": 0.1,
        "p50_us": 10.0,
        "p99_us": 20.0,
        "wire_bytes": 66.0,
    }


def test_silence_is_a_failure() -> None:
    with pytest.raises(LoadFailed, match="no message came back"):
        parse_sample(json.dumps(PRINTED | {"messages": 0}))


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("echo-64-d16", "--depth=16"),
        ("echo-1m", "--bytes=1048576"),
        ("tls-64", "--tls=authority.pem"),
        ("deflate-1k", "--deflate"),
    ],
)
def test_a_scenario_becomes_options_of_the_load(name: str, option: str) -> None:
    [scenario] = choose([name])
    command = load_command(scenario, 8765, FILES)
    assert option in command and "--port=8765" in command
