"""Where each metric stands in a snapshot."""

from typing import Any

from tests.app.seeing import new_app
from trunkline import Topic
from trunkline.app.observation.figures import FIGURES
from trunkline.app.observation.snapshot import take_snapshot


def read(snapshot: dict[str, Any]) -> dict[str, list[Any]]:
    return {figure.name: list(figure.read(snapshot)) for figure in FIGURES}


def busy_snapshot() -> dict[str, Any]:
    app = new_app()
    app.topics["news"] = Topic()
    app.tally.round_trips["/rooms/{room}"].add(0.25)
    snapshot = take_snapshot(app)
    snapshot["routes"]["/rooms/{room}"] |= {"dropped": 5, "discarded": 2}
    snapshot["topics"]["news"]["drops"] = {"drop_oldest": 3, "left": 1}
    snapshot["closes"] = {"1000": 2}
    snapshot["handshakes"] = [["refused", "origin", 4]]
    return snapshot


def test_every_figure_has_a_number_for_each_of_its_labels() -> None:
    snapshot = busy_snapshot()
    for figure in FIGURES:
        for labels, value in figure.read(snapshot):
            assert len(labels) == len(figure.labels), figure.name
            assert isinstance(value, int | float | dict), figure.name


def test_names_are_unique() -> None:
    names = [figure.name for figure in FIGURES]
    assert len(set(names)) == len(names)


def test_figures_are_read_by_their_labels() -> None:
    found = read(busy_snapshot())
    assert found["connections"] == [(("/rooms/{room}",), 0)]
    ((labels, trips),) = found["round_trip_seconds"]
    assert labels == ("/rooms/{room}",)
    assert (trips["sum"], trips["buckets"][-1]) == (0.25, ["+Inf", 1])
    assert found["handshakes"] == [(("refused", "origin"), 4)]
    assert found["closes"] == [(("1000",), 2)]
    route = "/rooms/{room}"
    assert found["messages_dropped"] == [((route, "rate"), 5), ((route, "dismissed"), 2)]
    assert found["topic_dropped"] == [(("news", "drop_oldest"), 3), (("news", "left"), 1)]
    assert found["topic_subscribers"] == [(("news",), 0)]
    assert found["arrivals"] == [((), 0)]


def test_what_the_system_does_not_tell_is_left_out() -> None:
    assert read(busy_snapshot() | {"memory": None})["resident_memory_bytes"] == []
