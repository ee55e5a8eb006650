from dataclasses import replace

import pytest

from trunkline.cli.doctor.certificate import SECONDS_OF_A_DAY, Certificate
from trunkline.cli.doctor.findings.certificate import judge_certificate, names_words
from trunkline.cli.doctor.step import Mark
from trunkline.limits import DOCTOR_FEW_DAYS

CERTIFICATE = Certificate(
    subject="a.example",
    issuer="Some Authority",
    names=["a.example", "b.example"],
    begins=0,
    ends=100 * SECONDS_OF_A_DAY,
)


def test_a_certificate_is_told_in_a_line() -> None:
    step = judge_certificate(CERTIFICATE, now=SECONDS_OF_A_DAY / 2)
    assert (step.mark, step.figure) == (Mark.OK, "99 days")
    assert step.text == (
        "a.example, issued by Some Authority, for a.example, b.example, "
        "from 1970-01-01 to 1970-04-11"
    )
    assert step.facts["days_left"] == 99


@pytest.mark.parametrize(
    ("days", "mark"), [(DOCTOR_FEW_DAYS, Mark.OK), (DOCTOR_FEW_DAYS - 1, Mark.WARNING)]
)
def test_few_days_are_a_warning(days: int, mark: Mark) -> None:
    step = judge_certificate(CERTIFICATE, CERTIFICATE.ends - days * SECONDS_OF_A_DAY)
    assert step.mark is mark
    assert bool(step.advice) is (mark is Mark.WARNING)


def test_a_certificate_of_ones_own_is_said_to_be_that() -> None:
    step = judge_certificate(replace(CERTIFICATE, is_self_issued=True), now=0)
    assert "issued by itself" in step.text


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], "no name at all"),
        ([*"abcdef"], "a, b, c, d, e, f"),
        ([*"abcdefgh"], "a, b, c, d, e, f and 2 more"),
    ],
)
def test_of_many_names_the_first_are_shown(names: list[str], words: str) -> None:
    assert names_words(replace(CERTIFICATE, names=names)) == words
