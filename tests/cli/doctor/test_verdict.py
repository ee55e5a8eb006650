import pytest

from trunkline.cli.doctor.step import Mark, Step
from trunkline.cli.doctor.verdict import verdict, works

FINE = Step("http", Mark.OK, "101")
PING = Step("ping", Mark.OK, "round trip", seconds=0.001)
DOUBT = Step("tcp", Mark.WARNING, "IPv6 is not there")
FAILURE = Step("tcp", Mark.FAILED, "a refused", "start it")
OTHER = Step("tcp", Mark.FAILED, "b refused", "start it")


@pytest.mark.parametrize(
    ("steps", "is_good", "words"),
    [
        ([FINE], True, "the connection works"),
        ([FINE, PING], True, "the connection works; a round trip takes 1.00 ms"),
        ([DOUBT, DOUBT, FINE], True, "the connection works, with a warning about tcp"),
        ([FINE, FAILURE], False, "the connection fails at tcp: a refused"),
        (
            [FAILURE, OTHER],
            False,
            "the connection fails at tcp: a refused (and 1 more like this)",
        ),
    ],
)
def test_the_verdict_is_a_sentence(steps: list[Step], is_good: bool, words: str) -> None:
    assert works(steps) is is_good
    assert verdict(steps) == words
