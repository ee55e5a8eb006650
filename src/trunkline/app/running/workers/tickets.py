"""Makes one issuer and taker of tickets out of those of all workers."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from typing import TYPE_CHECKING

from trunkline.auth.choice import AnyOf, OrAnonymous
from trunkline.auth.ledger import Ledger, MemoryLedger
from trunkline.auth.tickets import Tickets

if TYPE_CHECKING:
    from trunkline.app.app import App


def share_tickets(app: App, ledger: Ledger, key: bytes) -> None:
    """Let every worker take the tickets of all others, and each ticket once.

    A ledger and a key of the user's own stay: they are shared already.

    Args:
        app: may take tickets.
        ledger: of all workers.
        key: of all workers; each `Tickets` has its own, made of it.
    """
    for number, tickets in enumerate(tickets_of(app)):
        tickets.adopt_key(hmac.digest(key, f"tickets {number}".encode(), "sha256"))
        if isinstance(tickets.ledger, MemoryLedger):
            tickets.ledger = ledger


def tickets_of(app: App) -> list[Tickets]:
    """Give everything that takes tickets, each once, in the order of the routes."""
    authenticators = [app.policy.authenticator, *(route.authenticator for route in app.routes)]
    parts = [part for each in authenticators for part in parts_of(each)]
    return list(dict.fromkeys(part for part in parts if isinstance(part, Tickets)))


def parts_of(authenticator: object) -> Iterator[object]:
    """Yield an authenticator, and those that it asks, whoever these ask in turn."""
    yield authenticator
    if isinstance(authenticator, AnyOf | OrAnonymous):
        for part in authenticator.parts:
            yield from parts_of(part)
