"""Which subprotocol is spoken (RFC 6455 §4.2.2)."""

from __future__ import annotations

from collections.abc import Sequence


def select_subprotocol(offered: Sequence[str], supported: Sequence[str]) -> str | None:
    """Choose the first supported one that the client offers; none where there is none."""
    return next((name for name in supported if name in offered), None)
