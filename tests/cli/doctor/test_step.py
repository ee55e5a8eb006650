import pytest

from trunkline.cli.doctor.step import Mark, Problem, Step, failed, milliseconds


@pytest.mark.parametrize(
    ("step", "figure"),
    [
        (Step("tcp", Mark.OK, "fine"), ""),
        (Step("tcp", Mark.OK, "fine", seconds=0.0), "0.00 ms"),
        (Step("tcp", Mark.OK, "fine", seconds=0.00123), "1.23 ms"),
        (Step("tcp", Mark.OK, "fine", seconds=2.0, number="2 s"), "2 s"),
    ],
)
def test_a_step_has_a_figure(step: Step, figure: str) -> None:
    assert step.figure == figure


def test_a_step_is_a_sentence() -> None:
    assert Step("tcp", Mark.OK, "fine").sentence == "fine"
    assert Step("tcp", Mark.WARNING, "so so", "try again").sentence == "so so; try again"


def test_a_problem_is_a_step_that_has_failed() -> None:
    step = failed("tcp", Problem("no", "try"), 0.5, {"a": 1})
    assert step == Step("tcp", Mark.FAILED, "no", "try", 0.5, facts={"a": 1})
    assert failed("tcp", Problem("no", "try")).facts == {}


def test_a_long_time_is_readable() -> None:
    assert milliseconds(12.3456) == "12,345.60 ms"
