"""What stands between the messages of a route and its handler: tokens are taken out, and what is
left becomes what the route's schema says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trunkline.app.invalid import Invalid, turn_down
from trunkline.app.schema import Schema, Unfit
from trunkline.app.token import accept_token, token_in
from trunkline.close_codes import PolicyCode
from trunkline.connection.connection import Connection
from trunkline.connection.consumer import Data
from trunkline.connection.state import State

if TYPE_CHECKING:
    from trunkline.app.visit import Visit
    from trunkline.auth.authenticator import TokenAuthenticator

TAKEN = object()
"""In place of a message that is not for the handler."""

NO_TOKEN = "the first message has to be a token"


class Screen:
    """Looks at every message of one connection.

    Args:
        visit: the connection's.
        schema: what messages must be; `None` for any.
        invalid: what becomes of those that are not.
        authenticator: judges tokens; `None`: none are expected.
        token_follows: whether the first message is to be one.
    """

    def __init__(
        self,
        visit: Visit,
        schema: Schema | None,
        invalid: Invalid,
        authenticator: TokenAuthenticator | None,
        token_follows: bool,
    ) -> None:
        self.visit = visit
        self.schema = schema
        self.token_follows = token_follows
        self._invalid = invalid
        self._authenticator = authenticator

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
        is_accepted = await accept_token(self.visit, self._authenticator, token)
        self.token_follows = self.token_follows and not is_accepted
        return is_accepted

    def read(self, connection: Connection, data: Data) -> Any:
        """Give what a message is to the handler, or `TAKEN`."""
        if self.schema is None:
            return data
        try:
            return self.schema.decode(data)
        except Unfit as unfit:
            turn_down(connection, unfit, self._invalid)
            return TAKEN

    def refuse(self, connection: Connection) -> None:
        """Close the connection: its first message was no token, or did not come in time."""
        if connection.state is State.OPEN:
            connection.close_soon(PolicyCode.INVALID_TOKEN, NO_TOKEN)
