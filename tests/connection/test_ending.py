"""How a connection ends: whose word counts, and which error tells of it."""

from __future__ import annotations

import pytest

from trunkline.close_codes import Close
from trunkline.connection.ending import NOTHING_SAID, Ending
from trunkline.errors import Closer, ConnectionClosedError, ConnectionClosedOK

GOODBYE = Close(1000, "bye")
ANSWER = Close(1000, "")
TROUBLE = Close(1011, "broken")
FAILURE = Close(1002, "opcode 0x3 is reserved")


def test_an_end_has_come_when_its_silence_is_known() -> None:
    assert not Ending().has_come
    assert Ending(silence=0.0).has_come


@pytest.mark.parametrize(
    ("ending", "was_clean"),
    [
        (Ending(), False),
        (Ending(sent=GOODBYE), False),
        (Ending(rcvd=GOODBYE), False),
        (Ending(rcvd=GOODBYE, sent=ANSWER), True),
    ],
)
def test_an_end_is_clean_where_close_frames_went_both_ways(ending: Ending, was_clean: bool) -> None:
    assert ending.was_clean is was_clean


@pytest.mark.parametrize(
    ("ending", "outcome"),
    [
        (Ending(rcvd=GOODBYE, sent=TROUBLE, failure=FAILURE, silence=1.0), GOODBYE),
        (Ending(sent=TROUBLE, failure=FAILURE, silence=1.0), FAILURE),
        (Ending(sent=GOODBYE), GOODBYE),
        (Ending(sent=GOODBYE, silence=1.0), NOTHING_SAID),
        (Ending(silence=1.0), NOTHING_SAID),
    ],
)
def test_the_peers_word_counts_more_than_ours(ending: Ending, outcome: Close) -> None:
    assert ending.outcome() == outcome


@pytest.mark.parametrize(
    ("ending", "kind"),
    [
        (Ending(rcvd=GOODBYE, sent=ANSWER, silence=1.0), ConnectionClosedOK),
        (Ending(rcvd=TROUBLE, sent=TROUBLE, silence=1.0), ConnectionClosedError),
        (Ending(sent=GOODBYE), ConnectionClosedOK),
        (Ending(sent=TROUBLE), ConnectionClosedError),
        (Ending(sent=GOODBYE, silence=1.0), ConnectionClosedError),
        (Ending(rcvd=GOODBYE, sent=ANSWER, failure=FAILURE, silence=1.0), ConnectionClosedError),
    ],
)
def test_the_error_is_ok_where_nobody_complains(ending: Ending, kind: type) -> None:
    assert type(ending.error(silence=2.0)) is kind


def test_the_error_carries_all_that_is_known() -> None:
    cause = ConnectionResetError("reset")
    ending = Ending(rcvd=GOODBYE, sent=ANSWER, closer=Closer.PEER, cause=cause, silence=1.5)
    error = ending.error(silence=9.0)
    assert (error.code, error.reason, error.closer) == (1000, "bye", Closer.PEER)
    assert (error.rcvd, error.sent, error.__cause__) == (GOODBYE, ANSWER, cause)
    assert error.silence == 1.5


def test_before_the_end_the_silence_goes_on() -> None:
    assert Ending(sent=GOODBYE).error(silence=9.0).silence == 9.0


def test_a_failure_is_this_sides_doing() -> None:
    ending = Ending(closer=Closer.PEER)
    ending.fail(FAILURE)
    assert (ending.closer, ending.failure) == (Closer.LOCAL, FAILURE)


def test_a_goodbye_that_was_answered_is_all_that_is_known() -> None:
    ending = Ending.answered(GOODBYE)
    assert ending.has_come and ending.was_clean
    error = ending.error(silence=9.0)
    assert (error.rcvd, error.sent, error.closer) == (GOODBYE, GOODBYE, Closer.PEER)
    assert error.silence == 0.0
