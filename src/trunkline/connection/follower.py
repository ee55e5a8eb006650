"""Who sends on a connection beside its user: told when that is possible, and when it ends."""

from __future__ import annotations

from typing import Protocol


class Follower(Protocol):
    """Takes notice of what becomes of a connection."""

    def held(self) -> None:
        """A fragmented message has begun: nothing can be sent between its frames."""

    def drained(self) -> None:
        """There may be room again; what is written now would be before those who wait."""

    def ending(self) -> None:
        """The connection ends; what is written now goes before the close frame."""
