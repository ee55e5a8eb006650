"""Autobahn's cases, as far as every test run plays them; `make conformance` plays all of them."""

import os

import pytest

from tests.conformance.echo import Style
from tests.conformance.rounds import RULES, RULES_CONCURRENCY, Round, play
from tests.conformance.table import flaws
from trunkline.engines.choose import NATIVE, VARIABLE
from trunkline.protocol.role import Role

# The case files leave their test data open.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed file .*testdata:ResourceWarning")

RULES_COUNT = 247

SCHEMES = pytest.mark.parametrize("is_tls", [False, True], ids=["ws", "wss"])
ROLES = pytest.mark.parametrize("role", Role, ids=lambda role: role.value)
STYLES = pytest.mark.parametrize("style", Style, ids=lambda style: style.name.lower())

# Messages of 16 MiB whole and in fragments, reads of 64 bytes, and a thousand turns.
LARGE = ("9.1.6", "9.2.6", "9.3.1", "9.4.3", "9.5.1", "9.6.4", "9.7.1", "9.8.6")
# Each kind of data, small or in fragments.
COMPRESSED = ("12.1.11", "12.2.2", "12.3.2", "12.4.2", "12.5.11")
# Each offer, with 13.2.1 for messages so small that plain answers pay.
OFFERED = ("13.1.11", "13.3.2", "13.3.11", "13.4.2")
OFFERED_FORGETFUL = ("13.2.1", "13.5.2", "13.5.11", "13.6.2", "13.7.2")


async def check(round: Round, count: int) -> None:
    outcomes = await play(round)
    assert flaws([(round, outcomes)]) == []
    assert len(outcomes) == count


@ROLES
@SCHEMES
@STYLES
async def test_every_case_about_the_rules_is_passed(role: Role, is_tls: bool, style: Style) -> None:
    await check(Round(role, is_tls, style, RULES, RULES_CONCURRENCY), RULES_COUNT)


# The suite runs on each engine; of the long cases it plays each scheme on one of them.
LONG_SCHEMES = pytest.mark.parametrize(
    "is_tls", [os.environ.get(VARIABLE) == NATIVE], ids=lambda is_tls: "wss" if is_tls else "ws"
)


@ROLES
@LONG_SCHEMES
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
