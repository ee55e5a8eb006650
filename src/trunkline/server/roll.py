"""The connections of a server, as its engine knows them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from trunkline.connection.setting import Setting
from trunkline.server.connection import ServerConnection


class Roll:
    """In place of a set of connections: takes nothing for each, and is asked when the server ends.

    Args:
        owners: gives what the streams of the engine are for.
        setting: of connections of this server; what it calls at their end is of no other server.
    """

    def __init__(self, owners: Callable[[], Iterator[object]], setting: Setting) -> None:
        self._owners = owners
        self._when_lost = setting.when_lost

    def __iter__(self) -> Iterator[ServerConnection]:
        for owner in self._owners():
            if isinstance(owner, ServerConnection) and owner._setting.when_lost is self._when_lost:
                yield owner

    def __bool__(self) -> bool:
        return any(True for _ in self)

    def add(self, connection: ServerConnection) -> None:
        """Nothing to be done: its stream is for it."""

    def discard(self, connection: ServerConnection) -> None:
        """Nothing to be done: its stream is lost."""


def open_roll(setting: Setting) -> Roll | set[ServerConnection]:
    """Make the roll of a server, or a set where the engine does not know whom it works for."""
    owners = setting.engine.owners
    return set() if owners is None else Roll(owners, setting)
