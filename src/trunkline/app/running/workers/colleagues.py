"""The other workers, as one of them reaches them: through the supervisor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trunkline.app.observation.snapshot import Snapshot
from trunkline.app.running.peers import Peers
from trunkline.app.running.workers.control import Control
from trunkline.app.running.workers.message import Say

if TYPE_CHECKING:
    from trunkline.app.app import App


class Colleagues(Peers):
    """Processes of the same supervisor.

    Args:
        app: of this process.
        control: reaches the supervisor.
        number: of this process.
    """

    def __init__(self, app: App, control: Control, number: int) -> None:
        super().__init__(app)
        self.number = number
        self._control = control

    def disconnect(self, user: str, code: int, reason: str) -> None:
        """Have the others close every connection of a user."""
        self._control.tell(Say.DISCONNECT, user=user, code=code, reason=reason)

    async def snapshots(self) -> list[Snapshot]:
        """Give the snapshots of all workers that answer in time; this one's in any case."""
        try:
            answer = await self._control.ask(Say.SNAPSHOTS)
        except ConnectionError:
            return await super().snapshots()
        found: list[Snapshot] = answer["snapshots"]
        return found
