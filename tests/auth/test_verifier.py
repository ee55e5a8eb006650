"""Which tokens are good; and that nobody is asked about those that could not be."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from typing import Any

import jwt
import pytest

from tests.auth.issuer import Issuer, issuing
from tests.auth.keys import SECRET, document, jwk, private, public_pem, signed
from tests.auth.openings import NOW
from trunkline import RequestRefused
from trunkline.auth import Identity, KeySet
from trunkline.auth.token_reader import WrongToken
from trunkline.auth.verifier import Verifier

DEFAULTS: dict[str, Any] = {
    "algorithms": None,
    "audience": None,
    "issuer": None,
    "leeway": 0.0,
    "user_claim": "sub",
    "requires_expiry": True,
    "now": lambda: NOW,
}


def verifier(key: Any = SECRET, **options: Any) -> Verifier:
    return Verifier(key, **{**DEFAULTS, **options})


async def wrong(token: str, key: Any = SECRET, **options: Any) -> str:
    """Give the sentence with which a token is refused; nothing of the token may be in it."""
    with pytest.raises(WrongToken) as caught:
        await verifier(key, **options).verify(token)
    assert not [part for part in token.split(".") if len(part) > 8 and part in str(caught.value)]
    return caught.value.reason


# Good ones


async def test_a_good_token_names_its_user_its_claims_and_its_end() -> None:
    identity = await verifier().verify(signed(role="countess"))
    claims = {"sub": "ada", "exp": NOW + 60, "role": "countess"}
    assert identity == Identity("ada", claims, NOW + 60)


@pytest.mark.parametrize("name", ["rsa", "p256", "p384", "ed25519"])
async def test_a_public_key_verifies_what_its_private_one_has_signed(name: str) -> None:
    assert (await verifier(public_pem(name)).verify(signed(name))).user == "ada"


async def test_the_user_may_be_another_claim_and_a_number() -> None:
    assert (await verifier(user_claim="uid").verify(signed(uid=42))).user == "42"


async def test_a_token_for_ever_must_be_asked_for() -> None:
    token = signed(exp=None)
    assert await wrong(token) == "token has no exp"
    assert (await verifier(requires_expiry=False).verify(token)).expires_at is None


# Wrong ones


@pytest.mark.parametrize(
    ("token", "sentence"),
    [
        ("", "this is not a JSON Web Token: it has not three parts in base64url"),
        ("a.b", "this is not a JSON Web Token: it has not three parts in base64url"),
        ("a.b.c.d", "this is not a JSON Web Token: it has not three parts in base64url"),
        ("a.b.c=", "this is not a JSON Web Token: it has not three parts in base64url"),
        ("a." + "b" * 8191, "token is 8,193 bytes, limit 8,192"),
        (jwt.encode({"sub": "ada"}, None, "none"), "token has no exp"),
        (
            jwt.encode({"sub": "ada", "exp": NOW + 60}, None, "none"),
            "token's algorithm is not allowed here; allowed: HS256",
        ),
        (
            jwt.encode({"sub": "ada", "exp": NOW + 60}, SECRET * 2, "HS512"),
            "token's algorithm is not allowed here; allowed: HS256",
        ),
        (signed("rsa"), "token's algorithm is not allowed here; allowed: HS256"),
        (signed()[:-4] + "AAAA", "token's signature is wrong"),
        (signed()[: -len(signed().split(".")[2])], "token's signature is wrong"),
        (signed(sub=None), "token has no sub"),
        (signed(sub=""), "token's sub is an empty string"),
        (signed(sub="a\nb"), "token's sub has a character that cannot be printed"),
        (signed(sub="x" * 300), "token's sub is 300 characters, limit 256"),
        (signed(exp=NOW), "token expired 0 s ago: get a new one"),
        (signed(exp=NOW - 3600), "token expired 3,600 s ago: get a new one"),
        (signed(exp="later"), "token's exp is not a point in time"),
        (signed(nbf=NOW + 7), "token is valid in 7 s, not before"),
    ],
)
async def test_a_wrong_token_is_told_why(token: str, sentence: str) -> None:
    assert await wrong(token) == sentence


async def test_a_public_key_is_never_a_secret() -> None:
    # What PyJWT refuses to sign, others do.
    pem = public_pem("rsa")
    header, claims, _ = signed().split(".")
    mac = hmac.digest(pem.encode(), f"{header}.{claims}".encode(), "sha256")
    token = f"{header}.{claims}.{urlsafe_b64encode(mac).decode().rstrip('=')}"
    assert await wrong(token, pem) == "token's algorithm is not allowed here; allowed: RS256, PS256"


@pytest.mark.parametrize(("uid", "kind"), [(True, "bool"), (1.5, "float"), (["a"], "list")])
async def test_a_user_is_a_name_or_a_number(uid: Any, kind: str) -> None:
    sentence = f"token's uid is of type {kind}, not a string"
    assert await wrong(signed(uid=uid), user_claim="uid") == sentence


async def test_leeway_widens_both_ends_and_the_identity_lasts_as_long() -> None:
    early, late = signed(nbf=NOW + 5), signed(exp=NOW - 5)
    assert (await verifier(leeway=5).verify(early)).expires_at == NOW + 65
    assert await wrong(late, leeway=5) == "token expired 0 s ago: get a new one"
    assert (await verifier(leeway=6).verify(late)).expires_at == NOW + 1


# Key sets


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing() as issuer:
        issuer.body = document(jwk("rsa", alg="RS256"), jwk("p256"))
        yield issuer


async def test_a_key_set_verifies_with_the_key_that_a_token_names(issuer: Issuer) -> None:
    judge = verifier(KeySet(issuer.url))
    for name in ("rsa", "p256"):
        assert (await judge.verify(signed(name, {"kid": name}))).user == "ada"
    assert issuer.asked == 1


@pytest.mark.parametrize(
    ("token", "sentence"),
    [
        ("a.b", "this is not a JSON Web Token: it has not three parts in base64url"),
        (signed(None, {"kid": "rsa"}), "token's algorithm is not allowed here; allowed: RS256, PS"),
        (signed("rsa"), "token's kid is not a string of 1 to 256 characters"),
        (signed("rsa", {"kid": ""}), "token's kid is not a string of 1 to 256 characters"),
        (signed("rsa", {"kid": "x" * 257}), "token's kid is not a string of 1 to 256 characters"),
        (signed("rsa", {"kid": "rsa"}, exp=NOW - 1), "token expired 1 s ago: get a new one"),
        (signed("rsa", {"kid": "rsa"}, iss="evil"), "token is from another issuer"),
        (signed("rsa", {"kid": "rsa"}, sub=None), "token has no sub"),
    ],
)
async def test_the_keys_are_not_asked_for_where_the_token_could_not_be_good(
    issuer: Issuer, token: str, sentence: str
) -> None:
    options = {"issuer": "https://issuer.example"} if "issuer" in sentence else {}
    assert (await wrong(token, KeySet(issuer.url), **options)).startswith(sentence)
    assert issuer.asked == 0


async def test_nothing_in_a_token_says_where_keys_are(issuer: Issuer) -> None:
    with issuing() as evil:
        evil.body = document(jwk("ed25519"))
        headers = {"kid": "ed25519", "jku": evil.url, "x5u": evil.url, "jwk": jwk("ed25519")}
        token = signed("ed25519", headers, iss=evil.url)
        sentence = await wrong(token, KeySet(issuer.url))
        assert sentence == "token's kid is not among the keys of the issuer"
        assert evil.asked == 0


async def test_a_key_is_used_with_its_own_algorithm_only(issuer: Issuer) -> None:
    claims = {"sub": "ada", "exp": NOW + 60}
    token = jwt.encode(claims, private("rsa"), "PS256", {"kid": "rsa"})
    assert await wrong(token, KeySet(issuer.url)) == "token's algorithm does not fit its key"


async def test_a_key_server_that_is_away_is_not_the_tokens_fault(issuer: Issuer) -> None:
    issuer.status = 500
    with pytest.raises(RequestRefused) as caught:
        await verifier(KeySet(issuer.url)).verify(signed("rsa", {"kid": "rsa"}))
    assert caught.value.status == 503 and "Retry-After" in caught.value.headers
