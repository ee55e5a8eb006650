"""Authentication by JSON Web Tokens (RFC 7519), as an issuer of the user's gives them out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from trunkline.auth.identity import Identity
from trunkline.auth.key_set import KeySet
from trunkline.auth.source import Header, Source, Sources, Subprotocol
from trunkline.limits import TOKEN_LEEWAY
from trunkline.protocol.http1 import Request

# RFC 6750 §3.1: whoever shows nothing is not told what would be wrong with it
CHALLENGE = "Bearer"


class JWT:
    """Knows users by tokens that somebody else has signed.

    Args:
        key: a secret of at least 32 bytes, a public key in PEM, or a `KeySet`.
        algorithms: those that tokens may use; by default what the key is made for.
        audience: for whom tokens must be, one or several; `None` for tokens without one.
        issuer: who must have made them, one or several; `None` for anybody with the key.
        leeway: seconds by which the clock of the issuer may be wrong.
        user_claim: the claim that names the user.
        sources: where a token may be in a request.
        requires_expiry: whether a token without `exp` is refused: it would be good for ever.
        now: gives seconds since the epoch.

    Raises:
        ImportError: PyJWT is not installed.
        ValueError: the key is too short, private or of another kind, or an algorithm does not fit.
    """

    def __init__(
        self,
        key: str | bytes | KeySet,
        *,
        algorithms: Sequence[str] | None = None,
        audience: str | Sequence[str] | None = None,
        issuer: str | Sequence[str] | None = None,
        leeway: float = TOKEN_LEEWAY,
        user_claim: str = "sub",
        sources: Sequence[Source] = (Header(), Subprotocol()),
        requires_expiry: bool = True,
        now: Callable[[], float] = time.time,
    ) -> None:
        # PyJWT is needed from here on, and not before.
        from trunkline.auth.verifier import Verifier

        self._verifier = Verifier(
            key,
            algorithms=algorithms,
            audience=audience,
            issuer=issuer,
            leeway=leeway,
            user_claim=user_claim,
            requires_expiry=requires_expiry,
            now=now,
        )
        self._sources = Sources(sources, CHALLENGE)
        self.awaits_message = self._sources.awaits_message
        self.security = self._sources.security

    async def authenticate(self, request: Request) -> Identity:
        """Say who it is.

        Raises:
            MissingCredentials: the request has no token.
            TokenFollows: neither, and one may come in the first message.
            RequestRefused: the token is nobody's; 503 where the server of the keys is away.
        """
        return await self.verify(self._sources.token(request))

    async def verify(self, token: str) -> Identity:
        """Say whose token this is.

        Raises:
            RequestRefused: it is nobody's; 503 where the server of the keys is away.
        """
        return await self._verifier.verify(token)

    def recognises(self, token: str) -> bool:
        """Whether it looks like a JSON Web Token."""
        return self._verifier.recognises(token)

    def conceal(self, request: Request) -> None:
        """Take the token out of the request."""
        self._sources.conceal(request)

    def is_credential(self, subprotocol: str) -> bool:
        """Whether an offered subprotocol is a token."""
        return self._sources.is_credential(subprotocol)
