"""Authentication by a function of the user's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from trunkline.auth.callback import ask, broken, logger, name_of
from trunkline.auth.challenge import UNNAMED, MissingCredentials
from trunkline.auth.identity import Identity
from trunkline.auth.source import Header, Source
from trunkline.protocol.http1 import Request

Answer = Identity | str | None
"""Who it is, or only their name; `None` for nobody."""
Check = Callable[[Request], Answer | Awaitable[Answer]]


class Custom:
    """Asks a function, plain or async, which may also raise `RequestRefused`: 401, 403, 503.

    Args:
        check: gets the request, gives an `Identity`, a name, or `None` where it finds nobody.
        conceals: where it finds credentials, so that they are taken out of the request afterwards.
        challenge: for WWW-Authenticate, where it finds nobody.
    """

    def __init__(
        self, check: Check, *, conceals: Sequence[Source] = (Header(),), challenge: str = UNNAMED
    ) -> None:
        if not callable(check):
            raise TypeError(f"{check!r} cannot be called with a request")
        self._check = check
        self._conceals = tuple(conceals)
        self._challenge = challenge

    async def authenticate(self, request: Request) -> Identity:
        """Say who it is, if the function does.

        Raises:
            MissingCredentials: it gave `None`.
            RequestRefused: it refused; 500 where it failed or gave something else.
        """
        answer = await ask(self._check, request)
        if answer is None:
            raise MissingCredentials("credentials are missing or not known", self._challenge)
        return identity_of(answer, self._check)

    def conceal(self, request: Request) -> None:
        """Take the credentials out of the request."""
        for source in self._conceals:
            source.conceal(request)

    def is_credential(self, subprotocol: str) -> bool:
        """Whether an offered subprotocol is a credential."""
        return any(source.is_credential(subprotocol) for source in self._conceals)


def identity_of(answer: object, function: object) -> Identity:
    """Make an identity of what a function gave; refuse with 500 where that is none."""
    if isinstance(answer, Identity):
        return answer
    try:
        return Identity(answer)  # type: ignore[arg-type]  # which is what it checks
    except (TypeError, ValueError) as error:
        logger.error("%s gave no identity: %s", name_of(function), error)
    raise broken()
