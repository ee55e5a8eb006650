"""Durations, counted by how long they are."""

from trunkline.app.observation.histogram import Histogram


def test_a_value_belongs_to_the_first_bound_that_it_does_not_exceed() -> None:
    histogram = Histogram((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 2.0, 2.5):
        histogram.add(value)
    assert histogram.describe() == {
        "buckets": [["1.0", 2], ["2.0", 4], ["+Inf", 5]],
        "sum": 7.5,
    }


def test_nothing_is_counted_at_first() -> None:
    assert Histogram((1.0,)).describe() == {"buckets": [["1.0", 0], ["+Inf", 0]], "sum": 0.0}
