"""Close codes: which travel, which end a conversation for good, and how each is called."""

from collections.abc import Callable

import pytest

from trunkline.close_codes import CloseCode, PolicyCode, describe, is_sendable, may_retry

EVERY_CODE = range(0x1_0000)

# RFC 6455 §7.4.1 and the IANA registry.
SENDABLE = {
    *range(1000, 1004),
    *range(1007, 1015),
    *range(3000, 5000),
}


def test_every_code_of_two_bytes_is_classified() -> None:
    assert {code for code in EVERY_CODE if is_sendable(code)} == SENDABLE


@pytest.mark.parametrize("code", [-1, 0x1_0000, 10_000_000])
def test_a_number_beyond_two_bytes_is_not_sendable(code: int) -> None:
    assert not is_sendable(code)


def test_the_codes_for_reporting_are_known_and_never_travel() -> None:
    reported = set(CloseCode) - SENDABLE
    assert reported == {1005, 1006, 1015}


@pytest.mark.parametrize(
    "code",
    [
        *(1001, 1006, 1011, 1012, 1013, 1014),
        *(3000, 3499, 4000, 4499),
    ],
)
def test_a_client_may_come_back_when_the_fault_may_pass(code: int) -> None:
    assert may_retry(code)


@pytest.mark.parametrize(
    "code",
    [
        *(1000, 1002, 1003, 1005, 1007, 1008, 1009, 1010, 1015),
        *(3500, 3999, 4500, 4999),
    ],
)
def test_a_client_stays_away_when_the_answer_would_be_the_same(code: int) -> None:
    assert not may_retry(code)


def test_a_policy_says_who_may_come_back() -> None:
    back = {PolicyCode.EXPIRED, PolicyCode.SLOW, PolicyCode.TOO_MANY_MESSAGES}
    assert {code for code in PolicyCode if may_retry(code)} == back


@pytest.mark.parametrize("code", [*CloseCode, *PolicyCode])
def test_every_registered_code_has_words_of_its_own(code: int) -> None:
    others = {describe(other) for other in (*CloseCode, *PolicyCode) if other is not code}
    assert describe(code) not in others | {"unknown", ""}


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (1000, "OK"),
        (1004, "unknown"),
        (2999, "unknown"),
        (3000, "registered for a library"),
        (3999, "registered for a library"),
        (4000, "private use"),
        (4999, "private use"),
        (5000, "unknown"),
    ],
)
def test_a_code_is_described_by_its_range(code: int, words: str) -> None:
    assert describe(code) == words


class Counted(int):
    """A number that, as a member of an enum is, is compared in Python's own way."""

    comparisons = 0

    def __eq__(self, other: object) -> bool:
        Counted.comparisons += 1
        return int(self) == other

    __hash__ = int.__hash__


@pytest.mark.parametrize("ask", [describe, is_sendable, may_retry])
@pytest.mark.parametrize("code", [1013, 3700, 4000, 4999])
def test_a_code_is_not_compared_with_every_other_one(
    ask: Callable[[int], object], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Counted, "comparisons", 0)
    assert ask(Counted(code)) == ask(code)
    assert Counted.comparisons <= 1
