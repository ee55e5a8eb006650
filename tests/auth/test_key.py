"""Keys: what each may verify, and which are refused before a token is ever seen."""

import json
import sys
from typing import Any

import pytest

import trunkline.auth.key
from tests.auth.keys import SECRET, document, jwk, private_pem, public_pem
from tests.reimport import reimport
from trunkline.auth.key import (
    PUBLIC,
    RSA,
    Key,
    choose_algorithms,
    parse_key_set,
    read_key,
)

# One key


@pytest.mark.parametrize(
    ("key", "fitting", "usual"),
    [
        ("s" * 32, ["HS256"], ["HS256"]),
        (b"s" * 48, ["HS256", "HS384"], ["HS256", "HS384"]),
        ("s" * 64, ["HS256", "HS384", "HS512"], ["HS256", "HS384", "HS512"]),
        (public_pem("rsa"), list(RSA), ["RS256", "PS256"]),
        (public_pem("p256").encode(), ["ES256"], ["ES256"]),
        (public_pem("p384"), ["ES384"], ["ES384"]),
        (f"\n{public_pem('ed25519')}", ["EdDSA"], ["EdDSA"]),
    ],
)
def test_a_key_says_which_algorithms_fit(
    key: str | bytes, fitting: list[str], usual: list[str]
) -> None:
    algorithms = read_key(key).algorithms
    assert list(algorithms) == fitting
    assert list(choose_algorithms(algorithms, None)) == usual


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("s" * 31, "secret is 31 bytes, it must be at least 32"),
        ("", "secret is 0 bytes, it must be at least 32"),
        ("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ", "a key in another form, not a secret"),
        (private_pem("rsa"), "this is a private key"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n", "this PEM is not a public key"),
        (public_pem("small rsa"), "RSA key has 1,024 bits, it must be at least 2,048"),
        (public_pem("koblitz"), "signs no tokens: use RSA, P-256 or Ed25519"),
        (public_pem("ed448"), "signs no tokens: use RSA, P-256 or Ed25519"),
    ],
)
def test_a_key_that_would_be_unsafe_is_refused(key: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_key(key)


@pytest.mark.parametrize("key", [64, None, [0] * 64])
def test_what_is_no_key_does_not_become_one_that_everybody_can_guess(key: Any) -> None:
    with pytest.raises(TypeError, match="a key is text or bytes, not of type"):
        read_key(key)


def test_a_key_does_not_show_itself() -> None:
    assert SECRET not in repr(read_key(SECRET))


# Algorithms


def test_wanted_algorithms_are_taken_where_the_key_fits() -> None:
    assert choose_algorithms(RSA, ["RS512"]) == ["RS512"]
    assert choose_algorithms(PUBLIC, None) == [
        *("RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA"),
    ]


@pytest.mark.parametrize(
    ("fitting", "wanted", "words"),
    [
        (RSA, ["RS256", "HS256"], "algorithm 'HS256' does not fit this key; it fits RS256, PS256"),
        (["HS256"], ["none"], "algorithm 'none' does not fit this key"),
        (["HS256"], ["HS512"], "algorithm 'HS512' does not fit this key"),
        (["HS256"], [], "algorithms are empty; it fits HS256"),
    ],
)
def test_an_algorithm_that_does_not_fit_is_refused(
    fitting: list[str], wanted: list[str], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        choose_algorithms(fitting, wanted)


def test_one_string_is_not_a_list_of_algorithms() -> None:
    with pytest.raises(TypeError, match="not one string"):
        choose_algorithms(["HS256"], "HS256")


# Sets


def test_a_set_gives_its_keys_by_their_ids() -> None:
    keys = parse_key_set(document(jwk("rsa"), jwk("p256", kid="1", use="sig"), jwk("ed25519")))
    assert {kid: list(key.algorithms) for kid, key in keys.items()} == {
        "rsa": list(RSA),
        "1": ["ES256"],
        "ed25519": ["EdDSA"],
    }


def test_a_key_that_names_its_algorithm_fits_no_other() -> None:
    keys = parse_key_set(document(jwk("rsa", alg="PS256")))
    assert list(keys["rsa"].algorithms) == ["PS256"]


@pytest.mark.parametrize(
    "key",
    [
        "not a key",
        {},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "1"},
        {"kty": "oct", "k": "c2VjcmV0" * 8, "kid": "1", "alg": "HS256"},
        {"kty": "new", "kid": "1"},
        {"kty": "RSA", "kid": "1", "n": "AQAB", "e": 1},
        jwk("small rsa"),
        jwk("rsa", use="enc"),
        jwk("rsa", key_ops=["encrypt"]),
        jwk("rsa", key_ops=7),
        jwk("rsa", alg="RSA-OAEP"),
        {name: value for name, value in jwk("rsa").items() if name != "kid"},
    ],
)
def test_keys_that_cannot_verify_are_left_out(key: Any) -> None:
    assert set(parse_key_set(document(key, jwk("p256")))) == {"p256"}
    with pytest.raises(ValueError, match="none of 1 keys has an id and can verify tokens"):
        parse_key_set(document(key))


@pytest.mark.parametrize("content", [[], {}, {"keys": {}}, 7, None])
def test_what_is_no_set_is_refused(content: object) -> None:
    with pytest.raises(ValueError, match="answer is not a JSON Web Key Set"):
        parse_key_set(json.dumps(content).encode())


@pytest.mark.parametrize("text", [b"", b"<html>", b"\xff"])
def test_what_is_no_json_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):
        parse_key_set(text)


def test_only_a_string_can_be_an_id() -> None:
    keys = parse_key_set(document(jwk("p256", kid=7), jwk("p256", kid=[]), jwk("rsa")))
    assert set(keys) == {"rsa"} and all(isinstance(key, Key) for key in keys.values())


# Without what it is made of


@pytest.mark.parametrize("missing", ["jwt", "cryptography.exceptions"])
def test_the_error_says_what_to_install(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=r"tokens need PyJWT: pip install 'trunkline\[app\]'"):
        reimport(trunkline.auth.key)
