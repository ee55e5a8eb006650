"""Several ways to say who one is, and the way to say nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from trunkline.auth.authenticator import Authenticator, TokenAuthenticator
from trunkline.auth.challenge import UNNAMED, MissingCredentials, joined, unauthorized
from trunkline.auth.custom import Check, Custom
from trunkline.auth.identity import Identity
from trunkline.auth.source import SecurityScheme
from trunkline.protocol.http1 import Request

Part = Authenticator | Check
"""An authenticator, or a function that `Custom` makes one of."""
Auth = Part | Sequence[Part] | None
"""What a user may say; `None` lets everybody in, and asks nobody."""


class AnyOf:
    """The first that finds credentials decides, for better or worse.

    Args:
        parts: authenticators, or functions of a request, in the order in which they are asked.

    Raises:
        TypeError: a part is neither.
        ValueError: there is none.
    """

    def __init__(self, *parts: Part) -> None:
        if not parts:
            raise ValueError("no authenticator is given; None lets everybody in")
        self.parts: Sequence[Authenticator] = tuple(as_part(part) for part in parts)
        """Those that are asked, in their order."""
        judges = [part for part in self.parts if hasattr(part, "verify")]
        self._judges = cast(list[TokenAuthenticator], judges)
        self.can_verify = bool(judges)
        """Whether a token in a message could be anybody's."""
        self.security: list[SecurityScheme] = [
            each for part in self.parts for each in getattr(part, "security", ())
        ]
        """What AsyncAPI calls the ways to say who one is, as far as it has words for them."""
        self.awaits_message = any(judge.awaits_message for judge in self._judges)

    async def authenticate(self, request: Request) -> Identity:
        """Say who it is.

        Raises:
            MissingCredentials: nobody found any; with the challenges of all.
            RequestRefused: the first credentials that were found are wrong.
        """
        missing = []
        for part in self.parts:
            try:
                identity = await part.authenticate(request)
            except MissingCredentials as nothing:
                missing.append(nothing)
                continue
            if identity is not None:
                return identity
            missing.append(MissingCredentials("credentials are missing", UNNAMED))
        raise joined(missing)

    def conceal(self, request: Request) -> None:
        """Take the credentials of every kind out of the request."""
        for part in self.parts:
            part.conceal(request)

    def is_credential(self, subprotocol: str) -> bool:
        """Whether an offered subprotocol is a credential of any kind."""
        return any(part.is_credential(subprotocol) for part in self.parts)

    def recognises(self, token: str) -> bool:
        """Whether a token has the form of one of any kind."""
        return any(judge.recognises(token) for judge in self._judges)

    async def verify(self, token: str) -> Identity:
        """Say whose token this is; whoever recognises it decides."""
        for judge in self._judges:
            if judge.recognises(token):
                return await judge.verify(token)
        raise unauthorized("this is not a token of a kind that is known here", UNNAMED)


class OrAnonymous:
    """Lets in who shows no credentials, as nobody; whoever shows wrong ones is refused.

    Args:
        auth: who finds out, as `as_authenticator()` takes it.

    Raises:
        ValueError: a token may come in the first message, which then could be any message.
    """

    def __init__(self, auth: Auth) -> None:
        authenticator = as_authenticator(auth)
        if authenticator is None or isinstance(authenticator, OrAnonymous):
            raise ValueError(f"OrAnonymous({auth!r}) would be the same without OrAnonymous")
        if authenticator.awaits_message:
            raise ValueError(
                "OrAnonymous cannot tell a first message that is a token from one that is not:"
                " leave out FirstMessage()"
            )
        self._authenticator = authenticator
        self.awaits_message = False
        self.can_verify = authenticator.can_verify
        # Nothing is required.
        self.security: list[SecurityScheme] = []

    @property
    def parts(self) -> Sequence[Authenticator]:
        """Those that are asked, in their order."""
        return self._authenticator.parts

    async def authenticate(self, request: Request) -> Identity | None:
        """Say who it is; `None` for nobody in particular."""
        try:
            return await self._authenticator.authenticate(request)
        except MissingCredentials:
            return None

    def conceal(self, request: Request) -> None:
        """Take the credentials out of the request."""
        self._authenticator.conceal(request)

    def is_credential(self, subprotocol: str) -> bool:
        """Whether an offered subprotocol is a credential."""
        return self._authenticator.is_credential(subprotocol)

    def recognises(self, token: str) -> bool:
        """Whether a token has the form of one."""
        return self._authenticator.recognises(token)

    async def verify(self, token: str) -> Identity:
        """Say whose token this is."""
        return await self._authenticator.verify(token)


def as_authenticator(auth: Auth) -> AnyOf | OrAnonymous | None:
    """Make one authenticator of what a user said; `None` stays `None`.

    Raises:
        TypeError: it is not an authenticator, a function of a request, or a sequence of these.
        ValueError: it is an empty sequence.
    """
    if auth is None or isinstance(auth, AnyOf | OrAnonymous):
        return auth
    if isinstance(auth, Sequence) and not isinstance(auth, str | bytes):
        return AnyOf(*auth)
    return AnyOf(auth)


def as_part(part: object) -> Authenticator:
    """Give an authenticator as it is, and make one of a function."""
    if isinstance(part, OrAnonymous):
        raise TypeError("OrAnonymous stands around AnyOf, not inside: nobody behind it is asked")
    if isinstance(part, type) or not (hasattr(part, "authenticate") or callable(part)):
        raise TypeError(f"{part!r} is neither an authenticator nor a function of a request")
    if hasattr(part, "authenticate"):
        return cast(Authenticator, part)
    return Custom(cast(Check, part))
