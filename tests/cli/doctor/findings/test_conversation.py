import pytest

from trunkline.cli.doctor.facts import Goodbye, Pulse, Silence
from trunkline.cli.doctor.findings.conversation import (
    judge_goodbye,
    judge_pulse,
    judge_silence,
)
from trunkline.cli.doctor.step import Mark
from trunkline.close_codes import Close
from trunkline.errors import Closer, ConnectionClosed, ConnectionClosedError

NORMAL = Close(1000, "")
CUT = ConnectionClosedError(1006, "", Closer.NOBODY, 60.0)
CLEAN = ConnectionClosed(1000, "", Closer.LOCAL, 0.0, rcvd=NORMAL, sent=NORMAL)
UNANSWERED = ConnectionClosedError(1006, "", Closer.LOCAL, 0.0, sent=NORMAL)


# Pings


def test_the_median_round_trip_is_told() -> None:
    step = judge_pulse(Pulse(round_trips=[0.001, 0.5, 0.002]))
    assert (step.mark, step.figure) == (Mark.OK, "2.00 ms")
    assert step.text == "round trip, median of 3"


def test_pings_without_an_answer_are_a_failure() -> None:
    step = judge_pulse(Pulse(round_trips=[], error=TimeoutError()))
    assert step.mark is Mark.FAILED
    assert "pings are not answered" in step.text


def test_some_pings_without_an_answer_are_a_warning() -> None:
    step = judge_pulse(Pulse(round_trips=[0.001], error=TimeoutError()))
    assert step.mark is Mark.WARNING
    assert step.text == "round trip, median of 1, then no answer came in time"


def test_a_connection_that_is_closed_at_once_is_a_failure() -> None:
    closed = ConnectionClosedError(
        1008, "no token", Closer.PEER, 0.0, rcvd=Close(1008, "no token"), sent=Close(1008, "")
    )
    step = judge_pulse(Pulse(round_trips=[], error=closed))
    assert step.mark is Mark.FAILED
    assert step.text == (
        "the connection was opened, then closed by the peer with 1008 (policy violation): no token"
    )
    assert step.facts["code"] == 1008


# Silence


def test_a_line_that_is_cut_by_a_proxy_is_explained() -> None:
    step = judge_silence(Silence(wanted=90.0, lasted=60.04, closed=CUT))
    assert step.mark is Mark.FAILED
    assert step.sentence == (
        "cut after 60.0 s of silence without a close frame: a proxy's idle timeout; "
        "send pings more often than that, or let the proxy wait longer"
    )


@pytest.mark.parametrize(
    ("rcvd", "sent", "closer", "advice"),
    [
        (Close(1001, ""), Close(1001, ""), Closer.PEER, "the server closes what is idle"),
        (None, Close(1001, ""), Closer.LOCAL, "the server is stopped or started again"),
    ],
)
def test_a_line_that_is_closed_is_told_with_its_code(
    rcvd: Close | None, sent: Close, closer: Closer, advice: str
) -> None:
    closed = ConnectionClosedError(1001, "", closer, 0.0, rcvd=rcvd, sent=sent)
    step = judge_silence(Silence(wanted=90.0, lasted=30.0, closed=closed))
    assert step.mark is Mark.FAILED
    assert step.text == f"closed by {closer.value} with 1001 (going away), after 30.0 s of silence"
    assert step.advice.startswith(advice)


@pytest.mark.parametrize(
    ("was_broken", "words"),
    [
        (False, "the line holds through 60.0 s of silence"),
        (True, "the line holds for 60.0 s, but the server spoke meanwhile"),
    ],
)
def test_a_line_that_holds_is_in_order(was_broken: bool, words: str) -> None:
    pulse = Pulse(round_trips=[0.001])
    step = judge_silence(Silence(wanted=60.0, lasted=60.0, was_broken=was_broken, pulse=pulse))
    assert (step.mark, step.figure) == (Mark.OK, "60.0 s")
    assert step.text.startswith(words)


def test_a_line_that_was_forgotten_on_the_way_is_explained() -> None:
    pulse = Pulse(round_trips=[], error=TimeoutError())
    step = judge_silence(Silence(wanted=60.0, lasted=60.0, pulse=pulse))
    assert step.mark is Mark.FAILED
    assert "after 60.0 s of silence a ping is not answered" in step.text
    assert "NAT" in step.text


# The end


def test_a_close_handshake_is_told() -> None:
    step = judge_goodbye(Goodbye(seconds=0.001, closed=CLEAN))
    assert step.mark is Mark.OK
    assert step.text == "closed by this side with 1000 (OK)"


def test_a_close_without_an_answer_is_a_warning() -> None:
    step = judge_goodbye(Goodbye(seconds=10.0, closed=UNANSWERED))
    assert step.mark is Mark.WARNING
    assert step.text == "the server does not answer a close frame"
