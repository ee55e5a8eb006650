"""Any credentials whatever give somebody, nobody, or a refusal; never another exception."""

import asyncio
import json
from base64 import b64encode, urlsafe_b64encode

import jwt
from hypothesis import given
from hypothesis import strategies as st

from trunkline.auth import (
    JWT,
    AnyOf,
    Basic,
    Cookie,
    FirstMessage,
    Header,
    Identity,
    OrAnonymous,
    Query,
    Subprotocol,
    Tickets,
)
from trunkline.errors import RequestRefused
from trunkline.protocol.headers import Headers
from trunkline.protocol.http1 import Request

NOW = 1_800_000_000.0
SECRET = "a secret that is long enough, it is"
SOURCES = [Header(), Cookie("session"), Subprotocol(), Query(), FirstMessage()]


def now() -> float:
    return NOW


tickets = Tickets(now=now)
tokens = JWT(SECRET, requires_expiry=False, leeway=1, sources=SOURCES, now=now)
basic = Basic({"ada": "secret"})
AUTHENTICATORS = [tickets, tokens, basic, AnyOf(basic, tokens, tickets), OrAnonymous(tickets)]

# What may be in a header, and in a target (RFC 9110 §5.5, RFC 9112 §3).
header_text = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=40)
target_text = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=40)

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
names = st.sampled_from(["sub", "exp", "nbf", "iat", "iss", "aud", "jti"])
claims = st.dictionaries(names, values | st.integers(0, 2**40), max_size=5)
fields = st.sampled_from(["alg", "kid", "crit", "b64", "typ"])
some_headers = st.dictionaries(fields, values | st.sampled_from(["HS256", "none", "RS256"]))


def encode(content: object) -> str:
    return urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


signed = claims.map(lambda payload: jwt.api_jws.encode(json.dumps(payload).encode(), SECRET))
unsigned = st.builds(lambda *parts: ".".join(map(encode, parts)), some_headers, claims, values)
issued = st.builds(lambda user: tickets.issue(user), st.sampled_from(["ada", "Ада"]))
basics = st.binary(max_size=30).map(lambda data: b64encode(data).decode())
tokens_of_a_kind = signed | unsigned | issued | basics | target_text
anywhere = tokens_of_a_kind | header_text


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Draw an opening request with credentials of any kind, anywhere."""
    headers = Headers({"Host": "example.com"})
    for scheme in draw(st.lists(st.sampled_from(["Bearer ", "Basic ", ""]), max_size=2)):
        headers.add("Authorization", scheme + draw(anywhere))
    for prefix in draw(st.lists(st.sampled_from(["session=", "a=1; session=", ""]), max_size=2)):
        headers.add("Cookie", prefix + draw(anywhere))
    for prefix in draw(st.lists(st.sampled_from(["bearer.", "ticket.", "a, bearer."]), max_size=2)):
        headers.add("Sec-WebSocket-Protocol", prefix + draw(anywhere))
    if draw(st.booleans()):
        headers["Origin"] = "https://example.com"
    names = draw(st.lists(st.sampled_from(["token=", "ticket=", "a&token=", "&=%"]), max_size=2))
    return Request("/?" + "&".join(name + draw(tokens_of_a_kind) for name in names), headers)


@given(request=requests(), authenticator=st.sampled_from(AUTHENTICATORS))
def test_any_request_gives_somebody_nobody_or_a_refusal(
    request: Request, authenticator: OrAnonymous
) -> None:
    try:
        identity = asyncio.run(authenticator.authenticate(request))
    except RequestRefused as refused:
        assert refused.status in (400, 401)
        assert refused.reason.isprintable()
    else:
        assert identity is None or isinstance(identity, Identity)


@given(request=requests(), authenticator=st.sampled_from(AUTHENTICATORS))
def test_any_request_can_be_concealed_and_stays_one(
    request: Request, authenticator: OrAnonymous
) -> None:
    before = [name for name, _ in request.headers.raw_items()]
    authenticator.conceal(request)
    once = request.serialize()
    authenticator.conceal(request)
    assert request.serialize() == once
    assert [name for name, _ in request.headers.raw_items()] == before


@given(token=anywhere | st.text(st.characters(), max_size=40))
def test_any_token_is_somebodys_or_is_refused(token: str) -> None:
    for judge in (tokens, tickets, AnyOf(tokens, tickets)):
        try:
            assert isinstance(asyncio.run(judge.verify(token)), Identity)
        except RequestRefused as refused:
            assert refused.status == 401
