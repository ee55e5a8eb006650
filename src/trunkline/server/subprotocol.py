"""Which subprotocol is spoken (RFC 6455 §4.2.2)."""

from __future__ import annotations

from collections.abc import Sequence

from trunkline.server.connection import ServerConnection
from trunkline.server.options import SelectSubprotocol


def select_subprotocol(offered: Sequence[str], supported: Sequence[str]) -> str | None:
    """Choose the first supported one that the client offers; none where there is none."""
    return next((name for name in supported if name in offered), None)


def ask_for_subprotocol(
    select: SelectSubprotocol, connection: ServerConnection, offered: Sequence[str]
) -> str | None:
    """Let a function of the user's choose.

    Raises:
        ValueError: it has chosen what the client does not offer.
    """
    chosen = select(connection, offered)
    if chosen is not None and chosen not in offered:
        raise ValueError(f"selected subprotocol {chosen!r} was not offered")
    return chosen
