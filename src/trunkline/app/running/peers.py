"""The other processes of an application; here: that there are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trunkline.app.observation.snapshot import Snapshot

if TYPE_CHECKING:
    from trunkline.app.app import App


class Peers:
    """Processes that serve the same application at the same address.

    Args:
        app: of this process.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self.number = 1
        """Of this process, among all."""

    def disconnect(self, user: str, code: int, reason: str) -> None:
        """Have the others close every connection of a user."""

    async def snapshots(self) -> list[Snapshot]:
        """Give the snapshots of all processes, this one included."""
        return [self._app.snapshot()]
