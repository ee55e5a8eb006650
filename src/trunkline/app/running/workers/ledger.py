"""The one ledger of tickets, which the supervisor has."""

from __future__ import annotations

import asyncio

from trunkline.app.running.workers.control import Control
from trunkline.app.running.workers.message import Say
from trunkline.auth.tickets import unavailable
from trunkline.errors import RequestRefused
from trunkline.limits import LEDGER_TIMEOUT


class SupervisorLedger:
    """Asks the supervisor whether a ticket was used.

    Args:
        control: reaches it.
    """

    def __init__(self, control: Control) -> None:
        self._control = control

    async def spend(self, ticket_id: str, expires_at: float) -> bool:
        """Write down that a ticket is used, unless it was.

        Raises:
            RequestRefused: 503, the ledger is full or the supervisor does not answer.
        """
        try:
            async with asyncio.timeout(LEDGER_TIMEOUT):
                answer = await self._control.ask(
                    Say.SPEND, ticket_id=ticket_id, expires_at=expires_at
                )
        except (TimeoutError, ConnectionError):
            raise unavailable() from None
        if "refused" in answer:
            raise RequestRefused(answer["status"], answer["refused"], answer["headers"])
        return bool(answer["is_first"])
