from trunkline.app.app import App
from trunkline.app.running.workers.tickets import share_tickets, tickets_of
from trunkline.auth.basic import Basic
from trunkline.auth.choice import AnyOf, OrAnonymous
from trunkline.auth.ledger import MemoryLedger
from trunkline.auth.tickets import Tickets
from trunkline.protocol.headers import Headers
from trunkline.protocol.http1 import Request

KEY = bytes(32)


class OwnLedger:
    async def spend(self, ticket_id: str, expires_at: float) -> bool:
        return True


def app_with(*tickets: Tickets) -> App:
    """Make an application with tickets everywhere."""
    first, second, *_ = (*tickets, None, None)
    app = App(auth=None if first is None else [Basic({"ann": "secret"}.get), first])

    async def handler(ws: object) -> None: ...

    app.add_websocket("/a", handler)
    app.add_websocket("/b", handler, auth=None if second is None else OrAnonymous(second))
    app.add_websocket("/c", handler, auth=second)
    app.add_websocket("/d", handler, auth=None)
    return app


def request_with(ticket: str) -> Request:
    return Request(f"/?ticket={ticket}", Headers())


def test_tickets_are_found_wherever_they_are_asked_for() -> None:
    one, other = Tickets(), Tickets()
    assert tickets_of(app_with(one, other)) == [one, other]
    assert tickets_of(app_with()) == []


def test_tickets_are_found_behind_several_choices() -> None:
    tickets = Tickets()
    nested = AnyOf(Basic({"ann": "secret"}.get), AnyOf(tickets))
    assert tickets_of(App(auth=nested)) == [tickets]


async def test_the_ticket_of_one_worker_is_taken_once_by_all() -> None:
    issuer, taker = Tickets(), Tickets()
    ledger = MemoryLedger()
    for tickets in (issuer, taker):
        share_tickets(app_with(tickets), ledger, KEY)
        assert tickets.ledger is ledger
    ticket = issuer.issue("ann")
    assert (await taker.verify(ticket)).user == "ann"
    assert len(ledger) == 1


def test_two_kinds_of_tickets_keep_apart() -> None:
    one, other = Tickets(), Tickets()
    share_tickets(app_with(one, other), MemoryLedger(), KEY)
    assert one._key != other._key


def test_what_is_the_users_own_stays() -> None:
    key, ledger = b"k" * 32, OwnLedger()
    tickets = Tickets(key=key, ledger=ledger)
    share_tickets(app_with(tickets), MemoryLedger(), KEY)
    assert (tickets._key, tickets.ledger) == (key, ledger)
