"""The other processes of an application; here: that there are none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trunkline.app.app import App

Snapshot = dict[str, Any]
"""What one process does, in numbers and words that JSON knows; made by `App.snapshot()`."""


class Peers:
    """Processes that serve the same application at the same address.

    Args:
        app: of this process.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    def disconnect(self, user: str, code: int, reason: str) -> None:
        """Have the others close every connection of a user."""

    async def snapshots(self) -> list[Snapshot]:
        """Give the snapshots of all processes, this one included."""
        return [self._app.snapshot()]
