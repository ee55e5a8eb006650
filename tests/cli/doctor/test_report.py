import json

import pytest

from trunkline.cli.doctor.report import Halted, Report
from trunkline.cli.doctor.secrets import Secrets
from trunkline.cli.doctor.step import Mark, Step

FINE = Step("tcp", Mark.OK, "fine", seconds=0.00123456)
BAD = Step(
    "http",
    Mark.FAILED,
    "403 no \x1b[2J\nhunter2",
    "try hunter2",
    facts={"status": 403, "headers": {"Server": "hunter2"}, "names": ["hunter2"]},
)


def reporting(*, as_json: bool) -> tuple[Report, list[str]]:
    secrets, lines = Secrets(), list[str]()
    secrets.learn(["hunter2"])
    return Report(lines.append, secrets, as_json=as_json), lines


def test_each_step_is_a_line_at_once() -> None:
    report, lines = reporting(as_json=False)
    report.add(FINE)
    assert lines == ["ok   tcp            1.23 ms  fine"]
    report.finish()
    assert lines[1:] == ["\nverdict: the connection works"]
    assert report.is_good


def test_what_a_server_says_is_made_visible_and_secrets_are_hidden() -> None:
    report, lines = reporting(as_json=False)
    report.add(BAD)
    report.finish()
    assert lines == [
        "FAIL http                    403 no \\x1b[2J ***; try ***",
        "\nverdict: the connection fails at http: 403 no \\x1b[2J ***",
    ]
    assert not report.is_good


def test_programs_get_one_object() -> None:
    report, lines = reporting(as_json=True)
    report.add(FINE)
    report.add(BAD)
    assert lines == []
    report.finish()
    assert json.loads("".join(lines)) == {
        "works": False,
        "verdict": "the connection fails at http: 403 no \\x1b[2J ***",
        "steps": [
            {
                "step": "tcp",
                "mark": "ok",
                "seconds": 0.001235,
                "text": "fine",
                "advice": "",
                "facts": {},
            },
            {
                "step": "http",
                "mark": "fail",
                "seconds": None,
                "text": "403 no \\x1b[2J ***",
                "advice": "try ***",
                "facts": {"status": 403, "headers": {"Server": "***"}, "names": ["***"]},
            },
        ],
    }


def test_a_step_that_has_failed_ends_it_where_others_stand_on_it() -> None:
    report, lines = reporting(as_json=False)
    report.require(FINE)
    with pytest.raises(Halted):
        report.require(BAD)
    assert len(lines) == 2
