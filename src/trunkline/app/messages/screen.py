"""What stands between the messages of a route and its handler: tokens are taken out, and what is
left becomes what the route's schema says."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from trunkline.app.admission.step import Step
from trunkline.app.admission.token import accept_token, token_in, turn_away
from trunkline.app.messages.invalid import Invalid, turn_down
from trunkline.app.messages.outgoing import Outgoing
from trunkline.app.messages.schema import Schema, Unfit
from trunkline.connection.connection import Connection
from trunkline.connection.consumer import Data
from trunkline.errors import RequestRefused

if TYPE_CHECKING:
    from trunkline.app.visit import Visit
    from trunkline.auth.authenticator import TokenAuthenticator

TAKEN = object()
"""In place of a message that is not for the handler."""


class Screen:
    """Looks at every message of one connection.

    Args:
        visit: the connection's.
        schema: what messages must be; `None` for any.
        invalid: what becomes of those that are not.
        outgoing: writes what the handler sends; `None` where that is text and bytes.
        authenticator: judges tokens; `None`: none are expected.
        token_follows: whether the first message is to be one.
        patience: seconds for that one to come and to be judged; `None` for any time.
    """

    def __init__(
        self,
        visit: Visit,
        schema: Schema | None = None,
        invalid: Invalid = Invalid.REPLY,
        outgoing: Outgoing | None = None,
        authenticator: TokenAuthenticator | None = None,
        *,
        token_follows: bool = False,
        patience: float | None = None,
    ) -> None:
        self.token_follows = token_follows
        self.patience = patience
        self._visit = visit
        self._schema = schema
        self._invalid = invalid
        self._outgoing = outgoing
        self._authenticator = authenticator

    # Tokens

    def token_in(self, data: Data) -> str | None:
        """Give the token that a message is; the first one may be one as it stands."""
        if self._authenticator is None:
            return None
        token = token_in(data)
        if token is None and self.token_follows and isinstance(data, str):
            return data if self._authenticator.recognises(data) else None
        return token

    async def accept(self, token: str) -> bool:
        """Judge a token; say whether the connection goes on."""
        assert self._authenticator is not None
        is_accepted = await accept_token(self._visit, self._authenticator, token)
        self.token_follows = self.token_follows and not is_accepted
        return is_accepted

    def refuse(self) -> None:
        """Close the connection: its first message was no token."""
        self._turn_away("the first message has to be a token")

    def give_up(self) -> None:
        """Close the connection: no token has come in time, or it could not be judged in time."""
        self._turn_away(f"no token was accepted within {self.patience} s")

    def _turn_away(self, reason: str) -> None:
        self._visit.step = Step.AUTH
        turn_away(self._visit, RequestRefused(HTTPStatus.UNAUTHORIZED, reason))

    # Other messages

    def read(self, connection: Connection, data: Data) -> Any:
        """Give what a message is to the handler, or `TAKEN`."""
        if self._schema is None:
            return data
        try:
            return self._schema.decode(data)
        except Unfit as unfit:
            turn_down(connection, unfit, self._invalid)
            return TAKEN

    def write(self, message: Any) -> Any:
        """Give what is sent for an object of a type of messages; other messages stay."""
        return message if self._outgoing is None else self._outgoing.write(message)
