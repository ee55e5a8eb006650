"""Several authenticators: the first that finds credentials decides, and nobody slips between."""

from typing import Any

import jwt
import pytest

from tests.auth.openings import NOW, bearing, opening, refusal
from trunkline import Request, RequestRefused
from trunkline.auth import (
    JWT,
    AnyOf,
    Basic,
    FirstMessage,
    Header,
    Identity,
    MissingCredentials,
    OrAnonymous,
    Query,
    Tickets,
    TokenFollows,
    as_authenticator,
)

SECRET = "s" * 32
TOKEN = jwt.encode({"sub": "ada", "exp": NOW + 60}, SECRET)
WRONG = jwt.encode({"sub": "ada", "exp": NOW + 60}, "t" * 32)


def now() -> float:
    return NOW


def tokens(**options: Any) -> JWT:
    return JWT(SECRET, now=now, **options)


class Foreign:
    """Somebody else's authenticator, which says `None` where it finds nothing."""

    async def authenticate(self, request: Request) -> Identity | None:
        return Identity("grace") if request.path == "/grace" else None

    def conceal(self, request: Request) -> None:
        request.path = "/***"

    def is_credential(self, subprotocol: str) -> bool:
        return subprotocol == "grace"


# AnyOf


def test_those_that_are_asked_are_known_in_their_order() -> None:
    first, second = tokens(), Foreign()
    auth = AnyOf(first, second)
    assert auth.parts == OrAnonymous(auth).parts == (first, second)
    assert AnyOf(auth, first).parts == (auth, first)


async def test_the_first_that_finds_credentials_decides() -> None:
    tickets = Tickets(now=now)
    auth = AnyOf(tokens(), tickets, Foreign(), lambda request: None)
    assert (await auth.authenticate(bearing(TOKEN))).user == "ada"
    ticket = tickets.issue("joan")
    assert (await auth.authenticate(opening(f"/?ticket={ticket}"))).user == "joan"
    assert (await auth.authenticate(opening("/grace"))).user == "grace"


async def test_wrong_credentials_are_not_passed_on_to_the_next() -> None:
    auth = AnyOf(tokens(), lambda request: "anybody")
    assert (await refusal(auth, bearing(WRONG))).reason == "token's signature is wrong"
    assert (await auth.authenticate(opening())).user == "anybody"


async def test_nothing_found_is_a_refusal_with_all_challenges() -> None:
    refused = await refusal(AnyOf(tokens(), Basic({"ada": "x"}), Foreign()), opening())
    assert isinstance(refused, MissingCredentials) and not isinstance(refused, TokenFollows)
    assert refused.headers == {
        "WWW-Authenticate": 'Bearer, Basic realm="trunkline", charset="UTF-8", Custom'
    }


async def test_a_token_may_follow_when_one_of_several_waits_for_it() -> None:
    auth = AnyOf(Basic({"ada": "x"}), tokens(sources=[Header(), FirstMessage()]))
    assert auth.awaits_message
    assert isinstance(await refusal(auth, opening()), TokenFollows)


async def test_whoever_recognises_a_token_judges_it() -> None:
    tickets = Tickets(now=now)
    auth = AnyOf(Basic({"ada": "x"}), tickets, tokens())
    ticket = tickets.issue("joan")
    assert auth.recognises(ticket) and auth.recognises(TOKEN) and not auth.recognises("x")
    assert (await auth.verify(ticket)).user == "joan"
    assert (await auth.verify(TOKEN)).user == "ada"
    with pytest.raises(RequestRefused, match="token's signature is wrong"):
        await auth.verify(WRONG)
    with pytest.raises(RequestRefused, match="401: this is not a token of a kind that is known"):
        await auth.verify("x")


def test_everything_is_concealed_for_everybody() -> None:
    auth = AnyOf(tokens(), Foreign())
    request = bearing("SECRET")
    auth.conceal(request)
    assert (request.path, request.headers["Authorization"]) == ("/***", "***")
    assert [auth.is_credential(name) for name in ("bearer.x", "grace", "chat")] == [
        True,
        True,
        False,
    ]


# OrAnonymous


async def test_nobody_in_particular_may_come_in_when_that_is_said() -> None:
    auth = OrAnonymous(tokens())
    assert await auth.authenticate(opening()) is None
    identity = await auth.authenticate(bearing(TOKEN))
    assert identity is not None and identity.user == "ada"


@pytest.mark.parametrize("token", [WRONG, "garbage", ""])
async def test_wrong_credentials_are_never_nobody(token: str) -> None:
    assert (await refusal(OrAnonymous(tokens()), bearing(token))).status == 401


async def test_the_rest_is_as_it_is_without_or_anonymous() -> None:
    auth = OrAnonymous([tokens(), Foreign()])
    request = bearing(TOKEN)
    auth.conceal(request)
    assert request.headers["Authorization"] == "***"
    assert auth.is_credential("bearer.x") and not auth.is_credential("chat")
    assert auth.recognises(TOKEN) and not auth.awaits_message
    assert (await auth.verify(TOKEN)).user == "ada"


def test_a_first_message_cannot_be_a_token_or_not() -> None:
    with pytest.raises(ValueError, match=r"leave out FirstMessage\(\)"):
        OrAnonymous(tokens(sources=[FirstMessage()]))


@pytest.mark.parametrize("auth", [None, OrAnonymous(Tickets())])
def test_or_anonymous_stands_around_what_asks(auth: Any) -> None:
    with pytest.raises(ValueError, match="would be the same without OrAnonymous"):
        OrAnonymous(auth)


# as_authenticator


@pytest.mark.parametrize("auth", [None, AnyOf(Tickets()), OrAnonymous(Tickets())])
def test_what_is_whole_stays_as_it_is(auth: Any) -> None:
    assert as_authenticator(auth) is auth


@pytest.mark.parametrize(
    "auth", [Foreign(), [Foreign()], (Foreign(), Tickets()), lambda request: None, tokens()]
)
async def test_nothing_found_is_a_refusal_whatever_was_given(auth: Any) -> None:
    authenticator = as_authenticator(auth)
    assert authenticator is not None
    assert isinstance(await refusal(authenticator, opening()), MissingCredentials)


@pytest.mark.parametrize("auth", ["secret", b"secret", True, 7, Tickets, [Tickets], ["secret"]])
def test_what_finds_nobody_out_is_refused_at_once(auth: Any) -> None:
    with pytest.raises(TypeError, match="neither an authenticator nor a function of a request"):
        as_authenticator(auth)


def test_an_empty_list_is_not_an_open_door() -> None:
    with pytest.raises(ValueError, match="None lets everybody in"):
        as_authenticator([])


def test_nobody_behind_or_anonymous_would_be_asked() -> None:
    with pytest.raises(TypeError, match="OrAnonymous stands around AnyOf"):
        as_authenticator([OrAnonymous(Tickets()), Foreign()])


# What others may know of it


class Somebody:
    """An authenticator that judges requests only."""

    async def authenticate(self, request: Request) -> None:
        return None

    def conceal(self, request: Request) -> None: ...

    def is_credential(self, subprotocol: str) -> bool:
        return False


def test_tokens_in_messages_are_judged_where_a_part_can() -> None:
    tickets = Tickets()
    assert not AnyOf(Somebody()).can_verify
    assert AnyOf(Somebody(), tickets).can_verify
    assert OrAnonymous(tickets).can_verify
    assert not OrAnonymous(Somebody()).can_verify


def test_ways_have_names_as_far_as_there_are_words() -> None:
    both = AnyOf(Somebody(), Basic({"ann": "secret"}), Tickets(sources=[Query("ticket")]))
    assert [dict(each) for each in both.security] == [
        {"type": "http", "scheme": "basic"},
        {"type": "httpApiKey", "in": "query", "name": "ticket"},
    ]
    # Whoever may come in anyway needs none of them.
    assert OrAnonymous(both).security == []
