"""An authenticator that a test gives its orders."""

from __future__ import annotations

import asyncio

from tests.auth.openings import NOW
from trunkline import Request, RequestRefused
from trunkline.auth import Identity, MissingCredentials, TokenFollows

CHALLENGE = "Bearer"


class Judge:
    """Knows tokens like `t.ann` and `t.ann.60`, which expires in so many seconds.

    Args:
        awaits_message: whether a token may come in the first message.
    """

    def __init__(self, *, awaits_message: bool = True) -> None:
        self.awaits_message = awaits_message
        self.verified: list[str] = []
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def authenticate(self, request: Request) -> Identity:
        tokens = request.headers.get_all("Authorization")
        if not tokens:
            kind = TokenFollows if self.awaits_message else MissingCredentials
            raise kind("no token", CHALLENGE)
        return await self.verify(tokens[0].removeprefix("Bearer "))

    def conceal(self, request: Request) -> None:
        if "Authorization" in request.headers:
            request.headers["Authorization"] = "***"

    def is_credential(self, subprotocol: str) -> bool:
        return subprotocol.startswith("t.")

    def recognises(self, token: str) -> bool:
        return token.startswith("t.")

    async def verify(self, token: str) -> Identity:
        self.verified.append(token)
        self.asked.set()
        await self.may_answer.wait()
        kind, _, rest = token.partition(".")
        user, _, seconds = rest.partition(".")
        if user == "broken":
            raise RuntimeError("the judge is broken")
        if user == "away":
            raise RequestRefused(503, "the keys are away")
        if kind != "t" or not user:
            raise RequestRefused(401, "this token is nobody's", {"WWW-Authenticate": CHALLENGE})
        return Identity(user, {"said": token}, NOW + float(seconds) if seconds else None)
