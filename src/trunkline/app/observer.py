"""Who is told of everything that an application does: metrics, logs, traces."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from trunkline.errors import RequestRefused
from trunkline.protocol.http1 import Response

if TYPE_CHECKING:
    from trunkline.app.connection import AppConnection
    from trunkline.app.visit import Visit


class Observer:
    """Override what you want to hear of; nothing may raise, nothing may wait."""

    def arrived(self, visit: Visit) -> None:
        """Somebody has connected, and has said nothing yet."""

    def refused(self, visit: Visit, refused: RequestRefused) -> None:
        """A request was refused; `visit.step` says at which step."""

    def answered(self, visit: Visit, response: Response) -> None:
        """A request was answered over HTTP."""

    def opened(self, visit: Visit, connection: AppConnection) -> None:
        """A WebSocket is open."""

    def closed(self, visit: Visit, connection: AppConnection) -> None:
        """A WebSocket is gone; it has its close code."""

    def left(self, visit: Visit) -> None:
        """Whoever had connected is gone, or no WebSocket came of it."""


class Observers(Observer):
    """Tells several."""

    def __init__(self, observers: Iterable[Observer] = ()) -> None:
        self.observers = list(observers)

    def arrived(self, visit: Visit) -> None:
        """Tell everybody."""
        for observer in self.observers:
            observer.arrived(visit)

    def refused(self, visit: Visit, refused: RequestRefused) -> None:
        """Tell everybody."""
        for observer in self.observers:
            observer.refused(visit, refused)

    def answered(self, visit: Visit, response: Response) -> None:
        """Tell everybody."""
        for observer in self.observers:
            observer.answered(visit, response)

    def opened(self, visit: Visit, connection: AppConnection) -> None:
        """Tell everybody."""
        for observer in self.observers:
            observer.opened(visit, connection)

    def closed(self, visit: Visit, connection: AppConnection) -> None:
        """Tell everybody."""
        for observer in self.observers:
            observer.closed(visit, connection)

    def left(self, visit: Visit) -> None:
        """Tell everybody."""
        for observer in self.observers:
            observer.left(visit)
