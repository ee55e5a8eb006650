import pytest

from trunkline.cli.doctor.facts import Trial
from trunkline.cli.doctor.findings.origin import explain_refused_origin, origins_to_try
from trunkline.protocol.uri import parse_uri

OWN = "https://a.example"
EVIL = "https://evil.example"


@pytest.mark.parametrize(("refused", "others"), [(None, [OWN]), (OWN, [None]), (EVIL, [OWN, None])])
def test_the_host_and_no_origin_are_tried(refused: str | None, others: list[str | None]) -> None:
    assert origins_to_try(parse_uri("wss://a.example/b"), refused) == others


def test_who_needs_an_origin_is_told_which() -> None:
    problem = explain_refused_origin(None, [Trial(origin=OWN, status=101)])
    assert problem.what == (
        "the server goes by the Origin: without Origin it is refused, "
        "with Origin https://a.example it passes"
    )
    assert problem.advice.startswith("send --origin https://a.example")


def test_who_has_the_wrong_origin_is_told() -> None:
    trials = [Trial(origin=OWN, status=403), Trial(origin=None, status=101)]
    problem = explain_refused_origin(EVIL, trials)
    assert problem.what == (
        "the server goes by the Origin: with Origin https://evil.example it is refused, "
        "with Origin https://a.example it gets 403, without Origin it passes"
    )
    assert EVIL in problem.advice


def test_where_no_origin_helps_it_is_about_something_else() -> None:
    trials = [Trial(origin=OWN, status=403), Trial(origin=None, status=None)]
    problem = explain_refused_origin(EVIL, trials)
    assert problem.what == (
        "no Origin is let in (with Origin https://a.example it gets 403, "
        "without Origin it gets no answer), so it is about something else"
    )
    assert "Authorization" in problem.advice
