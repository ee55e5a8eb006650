"""What makes a token good: its algorithm, its time, its user, and a key that has signed it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from trunkline.auth.identity import Identity
from trunkline.auth.key import PUBLIC, Key, choose_algorithms, read_key
from trunkline.auth.key_set import KeySet
from trunkline.auth.token_reader import TokenReader, WrongToken, seconds_of
from trunkline.limits import LARGEST_KEY_ID, LARGEST_TOKEN

# RFC 7515 §7.1, three parts in base64url; the last one is empty where nobody has signed
FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")


class Verifier:
    """Judges tokens; its arguments are those of `JWT`."""

    def __init__(
        self,
        key: str | bytes | KeySet,
        *,
        algorithms: Sequence[str] | None,
        audience: str | Sequence[str] | None,
        issuer: str | Sequence[str] | None,
        leeway: float,
        user_claim: str,
        requires_expiry: bool,
        now: Callable[[], float],
    ) -> None:
        self._key = key if isinstance(key, KeySet) else read_key(key)
        fitting = self._key.algorithms if isinstance(self._key, Key) else PUBLIC
        self._algorithms = choose_algorithms(fitting, algorithms)
        required = [user_claim, "exp"] if requires_expiry else [user_claim]
        self._reader = TokenReader(audience, issuer, required)
        self._leeway = leeway
        self._user_claim = user_claim
        self._now = now

    def recognises(self, token: str) -> bool:
        """Whether it looks like a token."""
        return FORM.fullmatch(token) is not None

    async def verify(self, token: str) -> Identity:
        """Say whose token this is; nobody is asked about one that could not be good.

        Raises:
            WrongToken: it is nobody's.
            RequestRefused: 503 where the server of the keys is away.
        """
        self._check_form(token)
        header, unverified = self._reader.peek(token)
        algorithm = self._check_algorithm(header)
        # Its claims would not hold if they were true, either.
        self._identity(unverified)
        key = self._key if isinstance(self._key, Key) else await find(self._key, header)
        if algorithm not in key.algorithms:
            raise WrongToken("token's algorithm does not fit its key")
        return self._identity(self._reader.verify(token, key, algorithm))

    def _check_form(self, token: str) -> None:
        """Refuse what is no token, before anything is made of it."""
        if len(token) > LARGEST_TOKEN:
            raise WrongToken(f"token is {len(token):,} bytes, limit {LARGEST_TOKEN:,}")
        if not self.recognises(token):
            raise WrongToken("this is not a JSON Web Token: it has not three parts in base64url")

    def _check_algorithm(self, header: dict[str, Any]) -> str:
        algorithm = header.get("alg")
        # RFC 8725 §3.1: the verifier says which algorithms there are, not the token
        if not isinstance(algorithm, str) or algorithm not in self._algorithms:
            allowed = ", ".join(self._algorithms)
            raise WrongToken(f"token's algorithm is not allowed here; allowed: {allowed}")
        return algorithm

    def _identity(self, claims: dict[str, Any]) -> Identity:
        """Give whom the claims speak of, if they hold now."""
        expires_at = self._check_times(claims)
        user = claims[self._user_claim]
        # Many issuers number their users.
        name = str(user) if type(user) is int else user
        try:
            return Identity(name, claims, expires_at)
        except (TypeError, ValueError) as error:
            reason = str(error).replace("user", self._user_claim, 1)
            raise WrongToken(f"token's {reason}") from None

    def _check_times(self, claims: dict[str, Any]) -> float | None:
        """Give the end of the token's life; raise `WrongToken` before it begins, and after it."""
        now = self._now()
        begins, ends = seconds_of(claims, "nbf"), seconds_of(claims, "exp")
        if begins is not None and now < begins - self._leeway:
            raise WrongToken(f"token is valid in {begins - self._leeway - now:,.0f} s, not before")
        if ends is None:
            return None
        ends += self._leeway
        if now >= ends:
            raise WrongToken(f"token expired {now - ends:,.0f} s ago: get a new one")
        return ends


async def find(keys: KeySet, header: dict[str, Any]) -> Key:
    """Give the key that a token names (RFC 7515 §4.1.4)."""
    key_id = header.get("kid")
    if not isinstance(key_id, str) or not 0 < len(key_id) <= LARGEST_KEY_ID:
        raise WrongToken(f"token's kid is not a string of 1 to {LARGEST_KEY_ID} characters")
    key = await keys.find(key_id)
    if key is None:
        raise WrongToken("token's kid is not among the keys of the issuer")
    return key
