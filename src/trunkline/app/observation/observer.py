"""Who is told of everything that an application does: metrics, logs, traces."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from trunkline.connection.mistake import MISTAKES
from trunkline.errors import RequestRefused
from trunkline.protocol.http1 import Response

if TYPE_CHECKING:
    from trunkline.app.connection import AppConnection
    from trunkline.app.visit import Visit

logger = logging.getLogger("trunkline.app")


class Observer:
    """Override what you want to hear of; nothing may wait. What raises is logged, and no more."""

    def arrived(self, visit: Visit) -> None:
        """Somebody has connected, and has said nothing yet."""

    def refused(self, visit: Visit, refused: RequestRefused) -> None:
        """A request was refused, or a token in a message; `visit.step` says at which step."""

    def answered(self, visit: Visit, response: Response) -> None:
        """A request was answered over HTTP."""

    def opened(self, visit: Visit, connection: AppConnection) -> None:
        """A WebSocket is open."""

    def closed(self, visit: Visit, connection: AppConnection) -> None:
        """A WebSocket is gone; it has its close code."""

    def left(self, visit: Visit) -> None:
        """Whoever had connected is gone, or no WebSocket came of it."""


class Observers(Observer):
    """Tells several; the mistake of one is nothing to the others, or to the application."""

    def __init__(self, observers: Iterable[Observer] = ()) -> None:
        self.observers = list(observers)

    def _tell(self, what: str, *told: Any) -> None:
        for observer in self.observers:
            try:
                getattr(observer, what)(*told)
            except MISTAKES:
                logger.exception("%s.%s() failed", type(observer).__qualname__, what)

    def arrived(self, visit: Visit) -> None:
        """Tell everybody."""
        self._tell("arrived", visit)

    def refused(self, visit: Visit, refused: RequestRefused) -> None:
        """Tell everybody."""
        self._tell("refused", visit, refused)

    def answered(self, visit: Visit, response: Response) -> None:
        """Tell everybody."""
        self._tell("answered", visit, response)

    def opened(self, visit: Visit, connection: AppConnection) -> None:
        """Tell everybody."""
        self._tell("opened", visit, connection)

    def closed(self, visit: Visit, connection: AppConnection) -> None:
        """Tell everybody."""
        self._tell("closed", visit, connection)

    def left(self, visit: Visit) -> None:
        """Tell everybody."""
        self._tell("left", visit)
