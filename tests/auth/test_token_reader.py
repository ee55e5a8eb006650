"""What a token says, and one sentence for each way in which it is wrong."""

import math
from base64 import urlsafe_b64encode
from typing import Any

import pytest

from tests.auth.keys import SECRET, signed
from tests.auth.openings import NOW
from trunkline.auth.key import read_key
from trunkline.auth.token_reader import TokenReader, WrongToken, seconds_of

KEY = read_key(SECRET)


def reader(**options: Any) -> TokenReader:
    return TokenReader(**{"audience": None, "issuer": None, "required": ["sub", "exp"], **options})


def unsigned(header: str = "{}", claims: str = "{}") -> str:
    parts = (urlsafe_b64encode(text.encode()).decode().rstrip("=") for text in (header, claims))
    return ".".join(parts) + "."


def test_a_token_is_read_before_and_after_its_signature_was_verified() -> None:
    token = signed(None, {"kid": "1"})
    header, claims = reader().peek(token)
    assert header == {"alg": "HS256", "typ": "JWT", "kid": "1"}
    assert claims == reader().verify(token, KEY, "HS256") == {"sub": "ada", "exp": NOW + 60}


def test_a_refusal_carries_the_challenge_of_its_kind() -> None:
    wrong = WrongToken("token is wrong")
    assert str(wrong) == "401: token is wrong"
    assert wrong.headers == {"WWW-Authenticate": 'Bearer error="invalid_token"'}


@pytest.mark.parametrize(
    ("options", "token", "sentence"),
    [
        ({}, signed(sub=None), "token has no sub"),
        ({}, signed(exp=None), "token has no exp"),
        ({}, signed(aud="b"), "for another audience: it names one, and none is expected here"),
        ({"audience": "a"}, signed(aud="b"), "token is for another audience$"),
        ({"audience": "a"}, signed(aud=["b", "c"]), "token is for another audience$"),
        ({"audience": "a"}, signed(aud=7), "token is for another audience$"),
        ({"audience": "a"}, signed(), "token has no aud"),
        ({"issuer": "a"}, signed(iss="b"), "token is from another issuer"),
        ({"issuer": ["a", "c"]}, signed(iss="b"), "token is from another issuer"),
        ({"issuer": "a"}, signed(), "token has no iss"),
        ({}, signed(sub=7), "token's sub is not a string"),
        ({}, signed(None, {"crit": ["x"], "x": 1}), "critical extensions|token cannot be read"),
        ({}, "a.b.c", "token cannot be read"),
        ({}, unsigned(claims="[]"), "token cannot be read"),
        ({}, unsigned(header="[" * 3000), "token cannot be read"),
        ({}, unsigned(claims="[" * 3000), "token cannot be read"),
        ({}, unsigned(claims='{"exp": ' + "9" * 5000 + "}"), "token cannot be read"),
        ({}, "\ud800.b.c", "token cannot be read"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(
    options: dict[str, Any], token: str, sentence: str
) -> None:
    with pytest.raises(WrongToken, match=sentence):
        reader(**options).peek(token)


def test_critical_extensions_are_not_ignored() -> None:
    token = unsigned('{"alg": "HS256", "crit": ["b64"], "b64": true}')
    with pytest.raises(WrongToken, match="critical extensions, and none is known here"):
        reader(required=[]).peek(token)


def test_a_signature_must_be_the_keys_own() -> None:
    with pytest.raises(WrongToken, match="token's signature is wrong"):
        reader().verify(signed(), read_key("t" * 32), "HS256")


def test_a_token_cannot_choose_another_algorithm() -> None:
    with pytest.raises(WrongToken, match="token's algorithm is not allowed with its key"):
        reader().verify(signed(), KEY, "HS512")


@pytest.mark.parametrize("expected", ["a", ["a", "b"]])
def test_audience_and_issuer_are_one_or_several(expected: Any) -> None:
    token = signed(aud=["x", "a"], iss="a")
    claims = reader(audience=expected, issuer=expected).verify(token, KEY, "HS256")
    assert claims["sub"] == "ada"


@pytest.mark.parametrize(
    ("value", "seconds"), [(None, None), (0, 0.0), (-1, -1.0), (1.5, 1.5), (10**18, 1e18)]
)
def test_a_point_in_time_is_a_number(value: Any, seconds: float | None) -> None:
    assert seconds_of({"exp": value}, "exp") == seconds


@pytest.mark.parametrize(
    "value", [True, "1800000000", [], {}, math.nan, math.inf, -math.inf, 10**400]
)
def test_anything_else_is_no_point_in_time(value: Any) -> None:
    with pytest.raises(WrongToken, match="token's exp is not a point in time"):
        seconds_of({"exp": value}, "exp")
