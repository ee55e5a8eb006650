"""The authenticator of JSON Web Tokens: where it looks, what it says, and what it needs."""

import subprocess
import sys
from typing import Any

import pytest

from tests.auth.keys import SECRET, public_pem, signed
from tests.auth.openings import NOW, bearing, offering, opening, refusal
from trunkline import RequestRefused
from trunkline.auth import (
    JWT,
    Cookie,
    FirstMessage,
    MissingCredentials,
    Query,
    TokenFollows,
)


def tokens(**options: Any) -> JWT:
    return JWT(SECRET, now=lambda: NOW, **options)


@pytest.mark.parametrize("request_", [bearing(signed()), offering("chat", f"bearer.{signed()}")])
async def test_a_token_comes_in_a_header_or_a_subprotocol(request_: Any) -> None:
    assert (await tokens().authenticate(request_)).user == "ada"


async def test_a_token_comes_from_other_places_where_that_is_said() -> None:
    request = opening(f"/?token={signed()}")
    assert isinstance(await refusal(tokens(), request), MissingCredentials)
    assert (await tokens(sources=[Query()]).authenticate(request)).user == "ada"


async def test_a_cookie_counts_where_the_request_has_an_origin() -> None:
    auth, cookie = tokens(sources=[Cookie("session")]), ("Cookie", f"session={signed()}")
    refused = await refusal(auth, opening("/", cookie))
    assert refused.status == 401 and "only together with an Origin" in refused.reason
    request = opening("/", cookie, ("Origin", "https://example.com"))
    assert (await auth.authenticate(request)).user == "ada"


async def test_a_missing_and_a_wrong_token_have_their_challenges() -> None:
    assert (await refusal(tokens(), opening())).headers == {"WWW-Authenticate": "Bearer"}
    refused = await refusal(tokens(), bearing(signed(exp=NOW)))
    assert refused.headers == {"WWW-Authenticate": 'Bearer error="invalid_token"'}


async def test_a_token_may_follow_in_the_first_message() -> None:
    auth = tokens(sources=[FirstMessage()])
    assert auth.awaits_message and not tokens().awaits_message
    assert isinstance(await refusal(auth, opening()), TokenFollows)
    assert (await auth.verify(signed())).user == "ada"
    with pytest.raises(RequestRefused, match="401: this is not a JSON Web Token"):
        await auth.verify("Hello Server!")


def test_the_rest_is_what_the_sources_and_the_verifier_say() -> None:
    auth, request = tokens(), bearing("SECRET")
    auth.conceal(request)
    assert request.headers["Authorization"] == "***"
    assert auth.is_credential("bearer.x") and not auth.is_credential("chat")
    assert auth.recognises(signed()) and not auth.recognises("x")


@pytest.mark.parametrize(
    ("key", "options", "words"),
    [
        ("short", {}, "secret is 5 bytes, it must be at least 32"),
        (public_pem("rsa"), {"algorithms": ["HS256"]}, "'HS256' does not fit this key"),
        (SECRET, {"algorithms": ["none"]}, "'none' does not fit this key"),
        (SECRET, {"sources": []}, "nobody could ever show a token"),
    ],
)
def test_what_could_not_be_safe_is_refused_at_once(
    key: str, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        JWT(key, **options)


@pytest.mark.parametrize("call", ["JWT('s' * 32)", "KeySet('https://issuer.example/keys')"])
def test_pyjwt_is_needed_where_it_is_used_and_not_before(call: str) -> None:
    code = "import sys; sys.modules['jwt'] = None; import trunkline.auth as auth; print('imported')"
    run = [sys.executable, "-c", f"{code}; auth.{call}"]
    result = subprocess.run(run, capture_output=True, text=True, check=False)
    assert result.stdout == "imported\n"
    assert result.stderr.endswith("ImportError: tokens need PyJWT: pip install 'trunkline[app]'\n")
