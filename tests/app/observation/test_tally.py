"""What has happened, counted."""

import json

import pytest

from tests.app.seeing import ended, visit
from trunkline import RequestRefused
from trunkline.app.admission.step import Step
from trunkline.app.observation.tally import Tally, name_code
from trunkline.close_codes import MEANINGS
from trunkline.protocol.http1 import make_response


def test_requests_are_counted_by_what_became_of_them() -> None:
    tally = Tally()
    for _ in range(4):
        tally.arrived(visit())
    tally.opened(visit(), ended(1000))
    tally.answered(visit(), make_response(204))
    tally.refused(visit(step=Step.ORIGIN), RequestRefused(403, "no"))
    tally.refused(visit(step=Step.ORIGIN), RequestRefused(403, "no"))
    told = tally.describe()
    assert told["arrivals"] == 4
    assert told["handshakes"] == [
        ["opened", "", 1],
        ["answered", "204", 1],
        ["refused", "origin", 2],
    ]
    assert told["handshake_seconds"]["sum"] == 1.5


def test_a_token_that_is_refused_is_no_handshake() -> None:
    tally = Tally()
    tally.refused(visit(connection=ended(3500)), RequestRefused(401, "no"))
    assert tally.describe()["tokens_refused"] == 1
    assert tally.describe()["handshakes"] == []


def test_ends_are_counted_by_code() -> None:
    tally = Tally()
    for code in (1000, 1000, 1006):
        tally.closed(visit(), ended(code))
    assert tally.describe()["closes"] == {"1000": 2, "1006": 1}
    assert tally.describe()["life_seconds"]["sum"] == 4.5


def test_codes_that_peers_make_up_are_counted_together() -> None:
    tally = Tally()
    for code in range(3000, 5000):
        tally.closed(visit(), ended(code))
    assert len(tally.describe()["closes"]) <= len(MEANINGS) + 2
    assert tally.describe()["closes"]["4xxx"] == 1000


@pytest.mark.parametrize(
    ("code", "name"), [(None, "None"), (1000, "1000"), (3503, "3503"), (3999, "3xxx")]
)
def test_a_code_has_a_name_for_metrics(code: int | None, name: str) -> None:
    assert name_code(code) == name


def test_it_is_told_in_numbers_that_json_knows() -> None:
    tally = Tally()
    tally.opened(visit(), ended(1000))
    assert json.loads(json.dumps(tally.describe())) == tally.describe()


def test_round_trips_are_counted_by_route() -> None:
    tally = Tally()
    for seconds in (0.001, 0.3, 30.0):
        tally.round_trips["/a"].add(seconds)
    assert tally.round_trips["/a"].describe()["buckets"][0] == ["0.001", 1]
    assert tally.round_trips["/a"].describe()["buckets"][-2:] == [["20.0", 2], ["+Inf", 3]]
    assert tally.round_trips["/b"].describe()["sum"] == 0.0
