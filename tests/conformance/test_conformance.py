"""Autobahn's cases, as far as every test run plays them; `make conformance` plays all of them."""

import pytest

from tests.conformance.echo import Style
from tests.conformance.rounds import RULES, RULES_CONCURRENCY, Round, play
from tests.conformance.table import flaws
from trunkline.protocol.role import Role

RULES_COUNT = 247

SCHEMES = pytest.mark.parametrize("is_tls", [False, True], ids=["ws", "wss"])
ROLES = pytest.mark.parametrize("role", Role, ids=lambda role: role.value)
STYLES = pytest.mark.parametrize("style", Style, ids=lambda style: style.name.lower())

# Messages of 16 MiB whole and in fragments, reads of 64 bytes, and a thousand turns.
LARGE = ("9.1.6", "9.2.6", "9.3.1", "9.4.3", "9.5.1", "9.6.4", "9.7.1", "9.8.6")
# Of each kind of data a small size, and one size in fragments.
COMPRESSED = tuple(f"12.{data}.{size}" for data in range(1, 6) for size in (2, 5, 11))
# Of each offer the smallest size, where plain answers pay, and one size in fragments.
OFFERED = ("13.1.1", "13.1.12", "13.3.1", "13.3.12", "13.4.1", "13.4.12")
OFFERED_FORGETFUL = tuple(f"13.{offer}.{size}" for offer in (2, 5, 6, 7) for size in (1, 12))


async def check(round: Round, count: int) -> None:
    outcomes = await play(round)
    assert flaws([(round, outcomes)]) == []
    assert len(outcomes) == count


@ROLES
@SCHEMES
@STYLES
async def test_every_case_about_the_rules_is_passed(role: Role, is_tls: bool, style: Style) -> None:
    await check(Round(role, is_tls, style, RULES, RULES_CONCURRENCY), RULES_COUNT)


@ROLES
@SCHEMES
@pytest.mark.parametrize(
    "cases",
    [LARGE, COMPRESSED, OFFERED, OFFERED_FORGETFUL],
    ids=["large", "compressed", "offered", "forgetful"],
)
async def test_some_of_the_long_cases_are_passed(
    role: Role, is_tls: bool, cases: tuple[str, ...]
) -> None:
    style = Style.EVENTS if is_tls else Style.COROUTINE
    await check(Round(role, is_tls, style, cases), len(cases))
