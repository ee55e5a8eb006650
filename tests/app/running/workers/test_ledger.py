import asyncio

import pytest

from tests.app.running.workers.controlled import controlled
from trunkline.app.running.workers import ledger as module
from trunkline.app.running.workers.ledger import SupervisorLedger
from trunkline.app.running.workers.message import Say
from trunkline.errors import RequestRefused


@pytest.mark.parametrize("is_first", [True, False])
async def test_the_supervisor_knows_which_tickets_were_used(is_first: bool) -> None:
    async with controlled() as (control, boss, _):
        spending = asyncio.create_task(SupervisorLedger(control).spend("id", 12.5))
        question = await boss.answer(is_first=is_first)
        assert (question["say"], question["ticket_id"], question["expires_at"]) == (
            Say.SPEND,
            "id",
            12.5,
        )
        assert await spending is is_first


async def test_a_full_ledger_refuses_in_the_supervisors_words() -> None:
    async with controlled() as (control, boss, _):
        spending = asyncio.create_task(SupervisorLedger(control).spend("id", 12.5))
        await boss.answer(refused="full", status=503, headers={"Retry-After": "7"})
        with pytest.raises(RequestRefused, match="503: full") as refused:
            await spending
        assert refused.value.headers == {"Retry-After": "7"}


async def test_a_supervisor_that_has_gone_takes_no_tickets() -> None:
    async with controlled() as (control, boss, _):
        spending = asyncio.create_task(SupervisorLedger(control).spend("id", 12.5))
        await boss.hear()
        boss.sock.close()
        with pytest.raises(RequestRefused, match="503: tickets cannot be taken now"):
            await spending


async def test_a_supervisor_that_does_not_answer_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "LEDGER_TIMEOUT", 0.0)
    async with controlled() as (control, _, _):
        with pytest.raises(RequestRefused, match="503: tickets cannot be taken now"):
            await SupervisorLedger(control).spend("id", 12.5)
