"""Keys that verify tokens, and the algorithms that each may be used with: PyJWT does the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

try:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from jwt import PyJWK, PyJWTError
    from jwt.algorithms import HMACAlgorithm
except ImportError:
    raise ImportError("tokens need PyJWT: pip install 'trunkline[app]'") from None

# RFC 7518 §3.2: a secret is at least as long as what the hash gives
SECRET_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}
# RFC 7518 §3.3, §3.5
RSA_BITS = 2048
RSA = ("RS256", "PS256", "RS384", "PS384", "RS512", "PS512")
# RFC 7518 §3.4: each curve has its hash
CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
# RFC 8037 §3.1
EDWARDS = "EdDSA"
PUBLIC = (*RSA, *CURVES.values(), EDWARDS)
"""What verifies with a key that everybody may know."""

LONG_RSA = frozenset(RSA[2:])
"""As good as the others and hardly used: only for whoever asks for them."""

PEM = b"-----BEGIN "


@dataclass(frozen=True, slots=True)
class Key:
    """What verifies signatures, and nothing else.

    Args:
        material: as PyJWT takes it.
        algorithms: those that it fits. A token says which of them it used, and no other.
    """

    material: Any = field(repr=False)
    algorithms: Sequence[str]


def read_key(key: str | bytes) -> Key:
    """Take a secret, or a public key in PEM.

    Raises:
        TypeError: it is neither text nor bytes.
        ValueError: it is too short, private, or of a kind that signs no tokens.
    """
    # bytes(64) are as many zeros, a secret that everybody can guess
    if not isinstance(key, str | bytes | bytearray | memoryview):
        raise TypeError(f"a key is text or bytes, not of type {type(key).__name__}")
    data = key.encode() if isinstance(key, str) else bytes(key)
    return read_pem(data) if data.lstrip().startswith(PEM) else read_secret(data)


def read_secret(secret: bytes) -> Key:
    """Take a secret that issuer and verifier share."""
    least = min(SECRET_BYTES.values())
    if len(secret) < least:
        raise ValueError(
            f"secret is {len(secret)} bytes, it must be at least {least}:"
            " secrets.token_bytes(32) makes a good one"
        )
    try:
        HMACAlgorithm(HMACAlgorithm.SHA256).prepare_key(secret)
    except PyJWTError:
        # Everybody knows a public key; as a secret it would let everybody sign.
        raise ValueError("this is a key in another form, not a secret: give it in PEM") from None
    return Key(secret, [name for name, least in SECRET_BYTES.items() if len(secret) >= least])


def read_pem(pem: bytes) -> Key:
    """Take a public key."""
    if b"PRIVATE KEY" in pem:
        raise ValueError("this is a private key: tokens are verified with the public one")
    try:
        material = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("this PEM is not a public key") from None
    return Key(material, algorithms_of(material))


def algorithms_of(material: object) -> Sequence[str]:
    """Give the algorithms that fit a public key; raise `ValueError` where none does."""
    if isinstance(material, RSAPublicKey):
        if material.key_size < RSA_BITS:
            size = f"{material.key_size:,} bits, it must be at least {RSA_BITS:,}"
            raise ValueError(f"RSA key has {size}")
        return RSA
    if isinstance(material, Ed25519PublicKey):
        return [EDWARDS]
    curve = material.curve.name if isinstance(material, EllipticCurvePublicKey) else None
    if curve not in CURVES:
        raise ValueError("this key is of a kind that signs no tokens: use RSA, P-256 or Ed25519")
    return [CURVES[curve]]


def choose_algorithms(fitting: Sequence[str], wanted: Sequence[str] | None) -> Sequence[str]:
    """Give the algorithms that tokens may use.

    Args:
        fitting: those that the key fits.
        wanted: those that the user wants; `None` for the usual ones.

    Raises:
        TypeError: one string is given instead of several.
        ValueError: none is wanted, or one does not fit.
    """
    if wanted is None:
        return [name for name in fitting if name not in LONG_RSA]
    if isinstance(wanted, str):
        raise TypeError("algorithms are a list of strings, not one string")
    # RFC 8725 §3.1: what the key does not fit is how a public key becomes a secret
    unfit = [name for name in wanted if name not in fitting]
    if unfit or not wanted:
        what = f"algorithm {unfit[0]!r} does not fit this key" if unfit else "algorithms are empty"
        raise ValueError(f"{what}; it fits {', '.join(fitting)}")
    return list(wanted)


def parse_key_set(document: bytes) -> dict[str, Key]:
    """Give the keys of a JSON Web Key Set (RFC 7517 §5) by their ids; others than usable are left.

    Raises:
        ValueError: it is not one, or has no key that could verify a token.
    """
    content = json.loads(document)
    keys = content.get("keys") if isinstance(content, dict) else None
    if not isinstance(keys, list):
        raise ValueError("answer is not a JSON Web Key Set")
    found = dict(usable_keys(keys))
    if not found:
        raise ValueError(f"none of {len(keys)} keys has an id and can verify tokens")
    return found


def usable_keys(keys: list[Any]) -> Iterator[tuple[str, Key]]:
    """Give id and key of each that can verify tokens."""
    for jwk in keys:
        try:
            key = read_jwk(jwk)
        except (PyJWTError, ValueError, TypeError, AttributeError):
            # RFC 7517 §5: keys that are not understood are ignored
            continue
        if isinstance(jwk.get("kid"), str):
            yield jwk["kid"], key


def read_jwk(jwk: dict[str, Any]) -> Key:
    """Take one key of a set (RFC 7517 §4); raise any of PyJWT's errors, or `ValueError`."""
    is_for_signatures = jwk.get("use", "sig") == "sig" and "verify" in jwk.get(
        "key_ops", ["verify"]
    )
    if not is_for_signatures:
        raise ValueError("key is not for signatures")
    material = PyJWK(jwk).key
    fitting = algorithms_of(material)
    return Key(material, [name for name in fitting if name == jwk.get("alg", name)])
