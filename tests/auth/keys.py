"""Keys of issuers, made once, and tokens that they sign."""

import json
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from jwt.algorithms import get_default_algorithms

from tests.auth.openings import NOW

SECRET = "a secret that is long enough, it is"

MAKERS = {
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
    "small rsa": lambda: rsa.generate_private_key(65537, 1024),
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "koblitz": lambda: ec.generate_private_key(ec.SECP256K1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "ed448": ed448.Ed448PrivateKey.generate,
}
SIGNS_WITH = {"rsa": "RS256", "p256": "ES256", "p384": "ES384", "ed25519": "EdDSA"}


@cache
def private(name: str) -> Any:
    """Give a private key."""
    return MAKERS[name]()


def public_pem(name: str) -> str:
    """Give the public key as a file has it."""
    key = private(name).public_key()
    return str(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


def private_pem(name: str) -> str:
    """Give the private key as a file has it."""
    key = private(name)
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def jwk(name: str, **members: Any) -> dict[str, Any]:
    """Give the public key as a set has it; `members` come on top."""
    algorithm = get_default_algorithms()[SIGNS_WITH.get(name, "RS256")]
    key: dict[str, Any] = algorithm.to_jwk(private(name).public_key(), as_dict=True)
    key.pop("key_ops", None)
    return {**key, "kid": name, **members}


def document(*keys: Any) -> bytes:
    """Give a key set as a server has it."""
    return json.dumps({"keys": keys}).encode()


def signed(name: str | None = None, headers: dict[str, Any] | None = None, /, **claims: Any) -> str:
    """Give a token for Ada that is good for a minute, unless the claims say otherwise.

    Args:
        name: of the key; `None` for the secret.
        headers: beside the algorithm, or instead of it.
        claims: `None` leaves one out.
    """
    whole = {"sub": "ada", "exp": NOW + 60, **claims}
    payload = {claim: value for claim, value in whole.items() if value is not None}
    if name is None:
        return jwt.encode(payload, SECRET, headers=headers)
    return jwt.encode(payload, private(name), SIGNS_WITH[name], headers)
