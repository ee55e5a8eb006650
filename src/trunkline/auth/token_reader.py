"""JSON Web Tokens (RFC 7519), read by PyJWT; what is wrong with one is said in one sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import jwt
from jwt.exceptions import InvalidSubjectError

from trunkline.auth.challenge import FIELD
from trunkline.auth.key import Key
from trunkline.errors import RequestRefused

SENTENCES: dict[type[Exception], str] = {
    jwt.InvalidSignatureError: "token's signature is wrong",
    jwt.InvalidIssuerError: "token is from another issuer",
    InvalidSubjectError: "token's sub is not a string",
    jwt.InvalidAlgorithmError: "token's algorithm is not allowed with its key",
}
STRANGE = (jwt.PyJWTError, ValueError, TypeError, RecursionError)
"""What PyJWT may raise where a stranger has written the token."""


class WrongToken(RequestRefused):
    """A token is nobody's: 401 (RFC 6750 §3.1); the text has nothing of it."""

    def __init__(self, reason: str) -> None:
        headers = {FIELD: 'Bearer error="invalid_token"'}
        super().__init__(HTTPStatus.UNAUTHORIZED, reason, headers)


class TokenReader:
    """Knows what tokens have to say.

    Args:
        audience: for whom they must be; `None` for tokens without one.
        issuer: who must have made them; `None` for anybody with the key.
        required: claims that may not be missing.
    """

    def __init__(
        self,
        audience: str | Sequence[str] | None,
        issuer: str | Sequence[str] | None,
        required: Sequence[str],
    ) -> None:
        self._audience = audience
        self._issuer = issuer
        self._required = list(required)

    def peek(self, token: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Give header and claims, of which nobody knows yet who has written them.

        Raises:
            WrongToken: whoever did, it is nobody's.
        """
        decoded = self._decode(token, None)
        # RFC 7515 §4.1.11: extensions that are not understood must not be ignored
        if "crit" in decoded["header"]:
            raise WrongToken("token has critical extensions, and none is known here")
        return decoded["header"], decoded["payload"]

    def verify(self, token: str, key: Key, algorithm: str) -> dict[str, Any]:
        """Give the claims, if the key has signed them with this algorithm."""
        claims: dict[str, Any] = self._decode(token, key, [algorithm])["payload"]
        return claims

    def _decode(
        self, token: str, key: Key | None, algorithms: Sequence[str] = ()
    ) -> dict[str, Any]:
        options: Any = {
            "verify_signature": key is not None,
            "verify_iss": True,
            "verify_aud": True,
            "verify_sub": True,
            "require": self._required,
            # These are ours: PyJWT has a clock of its own.
            "verify_exp": False,
            "verify_nbf": False,
            "verify_iat": False,
        }
        try:
            return jwt.decode_complete(
                token,
                "" if key is None else key.material,
                algorithms,
                options,
                audience=self._audience,
                issuer=self._issuer,
            )
        except STRANGE as error:
            raise WrongToken(self._sentence_for(error)) from None

    def _sentence_for(self, error: Exception) -> str:
        if isinstance(error, jwt.MissingRequiredClaimError):
            return f"token has no {error.claim}"
        if isinstance(error, jwt.InvalidAudienceError):
            return "token is for another audience" + (
                "" if self._audience else ": it names one, and none is expected here"
            )
        return SENTENCES.get(type(error), "token cannot be read")


def seconds_of(claims: dict[str, Any], name: str) -> float | None:
    """Give a point in time as seconds since the epoch (RFC 7519 §2, NumericDate).

    Raises:
        WrongToken: it is none.
    """
    value = claims.get(name)
    if value is None:
        return None
    try:
        seconds = math.nan if isinstance(value, bool | str) else float(value)
    except (TypeError, OverflowError):
        seconds = math.nan
    if not math.isfinite(seconds):
        raise WrongToken(f"token's {name} is not a point in time")
    return seconds
