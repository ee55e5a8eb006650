"""Tickets: good once, for a moment, in every process that shares key and ledger."""

from base64 import urlsafe_b64encode
from typing import Any, cast

import pytest

from tests.auth.clock import Clock
from tests.auth.openings import NOW, offering, opening, refusal
from trunkline import Request, RequestRefused
from trunkline.auth import (
    FirstMessage,
    Identity,
    MemoryLedger,
    MissingCredentials,
    Tickets,
    TokenFollows,
)
from trunkline.limits import LARGEST_TICKET

KEY = b"k" * 32


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tickets(clock: Clock) -> Tickets:
    return Tickets(key=KEY, now=clock)


def showing(ticket: str) -> Request:
    return opening(f"/room?ticket={ticket}")


async def test_a_ticket_brings_its_user_in_once(tickets: Tickets) -> None:
    ticket = tickets.issue("ada")
    assert await tickets.authenticate(showing(ticket)) == Identity("ada")
    refused = await refusal(tickets, showing(ticket))
    assert str(refused) == ("401: ticket was used already: fetch a new one for each connection")
    assert refused.headers == {"WWW-Authenticate": "Ticket"}


async def test_an_identity_comes_through_whole(tickets: Tickets) -> None:
    ada = Identity("Ада", {"role": "countess", "rooms": [1, 2]}, NOW + 3600.5)
    assert await tickets.verify(tickets.issue(ada)) == ada


async def test_claims_may_be_others_than_those_of_the_session(tickets: Tickets) -> None:
    ticket = tickets.issue(Identity("ada", {"all": "rights"}), {"room": 7})
    assert (await tickets.verify(ticket)).claims == {"room": 7}


async def test_a_ticket_may_be_a_subprotocol(tickets: Tickets) -> None:
    ticket = tickets.issue("ada")
    assert await tickets.authenticate(offering("chat", f"ticket.{ticket}")) == Identity("ada")
    assert tickets.is_credential(f"ticket.{ticket}") and not tickets.is_credential("chat")


async def test_a_ticket_is_good_until_its_lifetime_is_over(tickets: Tickets, clock: Clock) -> None:
    early, late = tickets.issue("ada"), tickets.issue("ada")
    clock.time += 29.9
    assert await tickets.verify(early)
    clock.time += 0.1
    refused = await refusal(tickets, showing(late))
    assert str(refused) == "401: ticket expired 0 s ago: fetch a new one to connect"


async def test_a_ticket_does_not_outlive_its_session(tickets: Tickets, clock: Clock) -> None:
    ticket = tickets.issue(Identity("ada", expires_at=NOW + 10))
    clock.time += 10
    assert (await refusal(tickets, showing(ticket))).reason.startswith("ticket expired 0 s ago")


# Several processes


async def test_a_ticket_is_good_in_another_process_and_not_in_both(clock: Clock) -> None:
    ledger = MemoryLedger(now=clock)
    one, other = (Tickets(ledger=ledger, key=KEY, now=clock) for _ in range(2))
    ticket = one.issue("ada")
    assert await other.verify(ticket) == Identity("ada")
    assert "used already" in (await refusal(one, showing(ticket))).reason


async def test_the_ledger_may_be_set_later(tickets: Tickets) -> None:
    class Supervisor:
        async def spend(self, ticket_id: str, expires_at: float) -> bool:
            assert len(ticket_id) >= 22 and expires_at == NOW + 30
            return False

    tickets.ledger = Supervisor()
    assert "used already" in (await refusal(tickets, showing(tickets.issue("ada")))).reason


async def test_a_random_key_gives_way_to_one_for_all(clock: Clock) -> None:
    one, other = Tickets(now=clock), Tickets(now=clock)
    assert one.has_own_key
    refused = await refusal(other, showing(one.issue("ada")))
    assert refused.reason == "ticket is not signed with the key of this server"
    for each in (one, other):
        each.adopt_key(KEY)
    assert await other.verify(one.issue("ada")) == Identity("ada")


async def test_a_given_key_stays(tickets: Tickets) -> None:
    ticket = tickets.issue("ada")
    tickets.adopt_key(b"x" * 32)
    assert not tickets.has_own_key
    assert await tickets.verify(ticket)


# Forgeries


@pytest.mark.parametrize("ticket", ["", "x", "a.b", "a.b.c", f"a.{'b' * 43}=", "é", "\ud800"])
async def test_what_has_not_the_form_of_a_ticket_is_none(tickets: Tickets, ticket: str) -> None:
    assert not tickets.recognises(ticket)
    with pytest.raises(RequestRefused, match="401: this is not a ticket"):
        await tickets.verify(ticket)


async def test_a_ticket_is_not_read_at_any_length(tickets: Tickets) -> None:
    with pytest.raises(RequestRefused, match="401: this is not a ticket"):
        await tickets.verify("a" * LARGEST_TICKET + "." + "b" * 43)


async def test_nothing_of_a_ticket_can_be_changed(tickets: Tickets) -> None:
    payload, _, signature = tickets.issue("ada").partition(".")
    assert tickets.recognises(f"{payload}.{signature}")
    forged = urlsafe_b64encode(b'{"user":"root"}').decode().rstrip("=")
    last = chr(ord(signature[0]) ^ 1) if signature[0] not in "-_Zz09" else "A"
    for ticket in (f"{forged}.{signature}", f"{payload}.{last}{signature[1:]}x"[:-1]):
        with pytest.raises(RequestRefused, match="not signed with the key of this server"):
            await tickets.verify(ticket)


# A ledger that cannot answer


async def test_a_ledger_that_fails_lets_nobody_in(
    tickets: Tickets, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        async def spend(self, ticket_id: str, expires_at: float) -> bool:
            raise ConnectionResetError("the supervisor is gone")

    tickets.ledger = Broken()
    refused = await refusal(tickets, showing(tickets.issue("ada")))
    assert str(refused) == "503: tickets cannot be taken now: come back"
    assert refused.headers == {"Retry-After": "5"}
    assert "the supervisor is gone" in caplog.text


async def test_a_full_ledger_speaks_for_itself(clock: Clock) -> None:
    tickets = Tickets(ledger=MemoryLedger(1, now=clock), now=clock)
    await tickets.verify(tickets.issue("ada"))
    assert (await refusal(tickets, showing(tickets.issue("bob")))).status == 503


# Requests without one, concealing, and wrong arguments


async def test_a_request_without_a_ticket_is_asked_for_one(tickets: Tickets) -> None:
    assert isinstance(await refusal(tickets, opening()), MissingCredentials)
    waiting = Tickets(sources=[FirstMessage()])
    assert waiting.awaits_message and not tickets.awaits_message
    assert isinstance(await refusal(waiting, opening()), TokenFollows)


def test_a_ticket_is_concealed(tickets: Tickets) -> None:
    request = showing("SECRET")
    tickets.conceal(request)
    assert request.path == "/room?ticket=***"


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: Tickets(key="short"), ValueError, "key of tickets is 5 bytes, it must be at le"),
        (lambda: Tickets(key=cast(Any, 64)), TypeError, "text or bytes, not of type int"),
        (lambda: Tickets(lifetime=0), ValueError, "lifetime of tickets is 0 s, it must be above"),
        (lambda: Tickets().issue(""), ValueError, "user is an empty string"),
        (lambda: Tickets().issue("ada", {"a": object()}), TypeError, "not JSON serializable"),
        (lambda: Tickets().issue("ada", {"a": float("nan")}), ValueError, "not JSON compliant"),
        (
            lambda: Tickets().issue("ada", {"a": "x" * 4000}),
            ValueError,
            r"ticket would be 5,\d\d\d bytes, limit 4,096: give it fewer claims",
        ),
    ],
)
def test_what_could_not_be_a_ticket_is_refused_at_once(
    make: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        make()
