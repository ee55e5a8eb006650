"""What finds out who somebody is."""

from __future__ import annotations

from typing import Protocol

from trunkline.auth.identity import Identity
from trunkline.protocol.http1 import Request


class Authenticator(Protocol):
    """Reads credentials out of an opening request; nothing has been accepted yet."""

    async def authenticate(self, request: Request) -> Identity | None:
        """Say who sent a request.

        Returns:
            `None` where the request has no credentials of this kind. `as_authenticator()` makes a
            refusal of that, unless `OrAnonymous` says that nobody in particular may come in.

        Raises:
            MissingCredentials: the same as `None`, with the words and the challenge for a refusal.
            RequestRefused: the credentials are wrong: 401, or 403 where they are not enough.
        """

    def conceal(self, request: Request) -> None:
        """Take the credentials out of a request that is kept, shown and logged from now on."""

    def is_credential(self, subprotocol: str) -> bool:
        """Whether an offered subprotocol is a credential in disguise, which is never echoed."""


class TokenAuthenticator(Authenticator, Protocol):
    """Can judge a token by itself: in the first message, or in one that refreshes another."""

    @property
    def awaits_message(self) -> bool:
        """Whether a token may come in the first message; then `TokenFollows` may be raised."""

    def recognises(self, token: str) -> bool:
        """Whether a token has the form of one of this kind; nothing is known of its worth."""

    async def verify(self, token: str) -> Identity:
        """Say whose token this is; raise `RequestRefused` where it is nobody's."""
