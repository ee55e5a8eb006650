"""Messages above a rate that were dropped, told to a function of the user's."""

from __future__ import annotations

from collections.abc import Callable
from inspect import iscoroutinefunction

from trunkline.close_codes import CloseCode
from trunkline.connection.events import has_yield
from trunkline.connection.mistake import MISTAKES
from trunkline.limits import Excess, Limits
from trunkline.server.connection import ServerConnection

WhenDropped = Callable[[ServerConnection, str | bytes], None]


def told_of_drops(when_dropped: WhenDropped | None, limits: Limits) -> WhenDropped | None:
    """Give a function that hears of drops, and whose mistakes end the connection only.

    Args:
        when_dropped: the user's, which is called from the arrival of bytes, as `Events` are.
        limits: of the connections.

    Raises:
        TypeError: it cannot be called, or nobody would await it.
        ValueError: nothing will ever be dropped.
    """
    if when_dropped is None:
        return None
    never_runs = iscoroutinefunction(when_dropped) or has_yield(when_dropped)
    if not callable(when_dropped) or never_runs:
        raise TypeError(
            f"when_dropped is a function that does not wait, and takes a connection and a message,"
            f" not {when_dropped!r}"
        )
    if limits.on_excess is not Excess.DROP or limits.message_rate is None:
        raise ValueError(
            "when_dropped is never called: limits need a message_rate and on_excess=Excess.DROP"
        )

    def tell(connection: ServerConnection, message: str | bytes) -> None:
        try:
            when_dropped(connection, message)
        except MISTAKES:
            connection.logger.exception("when_dropped failed")
            connection.close_soon(CloseCode.INTERNAL_ERROR)

    return tell
