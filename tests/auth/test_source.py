"""Where a token may be: it is found there, it is taken out, and never two at a time."""

from base64 import urlsafe_b64encode
from typing import Any

import pytest

from tests.auth.openings import bearing, offering, opening
from trunkline import Request, RequestRefused
from trunkline.auth import (
    Cookie,
    FirstMessage,
    Header,
    MissingCredentials,
    Query,
    Source,
    Subprotocol,
    TokenFollows,
)
from trunkline.auth.source import Sources

ORIGIN = ("Origin", "https://example.com")


def with_cookies(*lines: str, origin: bool = True) -> Request:
    return opening("/", *[ORIGIN] * origin, *(("Cookie", line) for line in lines))


# Finding


@pytest.mark.parametrize(
    ("source", "request_", "tokens"),
    [
        (Header(), opening(), []),
        (Header(), bearing("a.b.c"), ["a.b.c"]),
        (Header(), opening("/", ("Authorization", "bEARER   a.b.c")), ["a.b.c"]),
        (Header(), opening("/", ("Authorization", "Basic a.b.c")), []),
        (Header(), opening("/", ("Authorization", "Bearera.b.c")), []),
        (Header(), opening("/", *[("Authorization", "Bearer a")] * 2), ["a", "a"]),
        (Cookie("t"), opening("/", ORIGIN), []),
        (Cookie("t"), with_cookies("a=1; t=a.b; b=2"), ["a.b"]),
        (Cookie("t"), with_cookies('t="a.b"'), ["a.b"]),
        (Cookie("t"), with_cookies("tt=1; T=2; x=t=3"), []),
        (Cookie("t"), with_cookies("t=1", "t=2;t"), ["1", "2", ""]),
        (Cookie("t"), with_cookies("a=1", origin=False), []),
        (Subprotocol(), offering("chat"), []),
        (Subprotocol(), opening(), []),
        (Subprotocol(), offering("chat", "bearer.a.b.c"), ["a.b.c"]),
        (Subprotocol("ticket."), offering("bearer.a.b.c"), []),
        (Query(), opening("/"), []),
        (Query(), opening("/?a=1&token=a.b&b=2"), ["a.b"]),
        (Query(), opening("/?t%6Fken=a%2Eb"), ["a.b"]),
        (Query("ticket"), opening("/?ticket&tickets=1&Ticket=2"), [""]),
        (Query(), opening("/?token=1&token=2"), ["1", "2"]),
        (FirstMessage(), bearing("a.b.c"), []),
    ],
)
def test_a_token_is_found_where_it_may_be(
    source: Source, request_: Request, tokens: list[str]
) -> None:
    assert list(source.find(request_)) == tokens


@pytest.mark.parametrize("token", ["a.b", "a.bc", "a.bcd", "eyJ.eyJ.sig"])
def test_a_subprotocol_may_wrap_the_token_in_base64url_without_padding(token: str) -> None:
    wrapped = urlsafe_b64encode(token.encode()).decode().rstrip("=")
    assert list(Subprotocol().find(offering("chat", f"bearer.{wrapped}"))) == [token]


@pytest.mark.parametrize("strange", ["x", "____", "a!b"])
def test_what_is_not_base64url_either_is_given_as_it_is(strange: str) -> None:
    assert list(Subprotocol().find(offering(f"bearer.{strange}"))) == [strange]


def test_a_cookie_does_not_count_without_an_origin() -> None:
    with pytest.raises(RequestRefused) as caught:
        Cookie("session").find(with_cookies("session=secret", origin=False))
    assert caught.value.status == 401
    assert caught.value.reason == (
        "cookie session counts only together with an Origin: send one, or no cookie"
    )


# Concealing


@pytest.mark.parametrize(
    ("source", "request_", "shown"),
    [
        (Header(), bearing("SECRET"), bearing("x")),
        (Header(), opening("/", ("Authorization", "Basic SECRET")), bearing("x")),
        (Cookie("t"), with_cookies("a=1;t=SECRET; b=2"), with_cookies("a=1; t=***; b=2")),
        (Subprotocol(), offering("a", "bearer.SECRET"), offering("a", "bearer.***")),
        (Query(), opening("/p?a=1&token=SECRET&b"), opening("/p?a=1&token=***&b")),
        (Query(), opening("/p?t%6Fken=SECRET"), opening("/p?t%6Fken=***")),
        (Query(), opening("/p?"), opening("/p?")),
        (Query(), opening("/p"), opening("/p")),
        (FirstMessage(), offering("a"), offering("a")),
    ],
)
def test_a_token_is_taken_out_of_the_request(
    source: Source, request_: Request, shown: Request
) -> None:
    if isinstance(source, Header):
        shown.headers["Authorization"] = "***"
    source.conceal(request_)
    assert request_ == shown


def test_only_a_subprotocol_can_be_a_credential() -> None:
    assert Subprotocol().is_credential("bearer.x")
    assert not Subprotocol().is_credential("chat")
    assert not Header().is_credential("bearer.x")


# Wrong arguments


@pytest.mark.parametrize(
    "make", [lambda: Cookie("a=b"), lambda: Subprotocol(""), lambda: Query("")]
)
def test_a_name_that_nobody_could_send_is_refused(make: Any) -> None:
    with pytest.raises(ValueError):
        make()


# All together


def test_the_only_token_is_given() -> None:
    sources = Sources([Header(), Query()], "Bearer")
    assert sources.token(bearing("a")) == "a"
    assert sources.token(opening("/?token=b")) == "b"


@pytest.mark.parametrize("path", ["/?token=b", "/?token=a"])
def test_two_tokens_are_refused_as_ambiguous(path: str) -> None:
    request = opening(path, ("Authorization", "Bearer a"))
    with pytest.raises(RequestRefused) as caught:
        Sources([Header(), Query()], "Bearer").token(request)
    assert str(caught.value) == ("400: request has 2 tokens, limit 1: send it in one place, once")


def test_a_missing_token_is_asked_for_with_the_places_where_it_may_be() -> None:
    sources = Sources([Header(), Cookie("c"), Subprotocol(), Query()], "Bearer")
    with pytest.raises(MissingCredentials) as caught:
        sources.token(opening())
    assert type(caught.value) is MissingCredentials and not sources.awaits_message
    assert caught.value.headers == {"WWW-Authenticate": "Bearer"}
    assert caught.value.reason == (
        "no token in header Authorization or cookie c or subprotocol bearer.TOKEN"
        " or query parameter token"
    )


def test_a_token_may_follow_in_the_first_message() -> None:
    sources = Sources([Header(), FirstMessage()], "Bearer")
    with pytest.raises(TokenFollows):
        sources.token(opening())
    assert sources.awaits_message


def test_all_places_are_concealed_also_those_that_were_not_asked_for() -> None:
    sources = Sources([Header(), Subprotocol(), Query()], "Bearer")
    request = opening("/?token=A", ("Authorization", "B"), ("Sec-WebSocket-Protocol", "bearer.C"))
    sources.conceal(request)
    assert request.path == "/?token=***"
    assert [value for _, value in request.headers.raw_items()][1:] == ["***", "bearer.***"]
    assert sources.is_credential("bearer.C") and not sources.is_credential("chat")


def test_a_source_is_an_instance_and_there_is_one() -> None:
    with pytest.raises(TypeError, match="is not a source; one looks like Header"):
        Sources([Header], "Bearer")  # type: ignore[list-item]
    for single in (Header(), "header"):
        with pytest.raises(TypeError, match=r"sources are a list, such as \[Header\(\)\], not"):
            Sources(single, "Bearer")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="nobody could ever show a token"):
        Sources([], "Bearer")


@pytest.mark.parametrize(
    ("source", "security"),
    [
        (Header(), {"type": "http", "scheme": "bearer"}),
        (Cookie("session"), {"type": "httpApiKey", "in": "cookie", "name": "session"}),
        (Query("t"), {"type": "httpApiKey", "in": "query", "name": "t"}),
        (Subprotocol(), {"type": "httpApiKey", "in": "header", "name": "Sec-WebSocket-Protocol"}),
        (FirstMessage(), {}),
    ],
)
def test_a_source_has_the_name_that_descriptions_have_for_it(
    source: Source, security: dict[str, str]
) -> None:
    assert source.security == security
    assert Sources([source], "Bearer").security == ([security] if security else [])
