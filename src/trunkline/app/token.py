"""Tokens in messages: the first one of a connection, and those that refresh it."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING

from trunkline.close_codes import CloseCode, PolicyCode
from trunkline.connection.consumer import Data
from trunkline.connection.state import State
from trunkline.errors import RequestRefused
from trunkline.protocol.closing import shorten_reason

if TYPE_CHECKING:
    from trunkline.app.visit import Visit
    from trunkline.auth.authenticator import TokenAuthenticator

PREFIX = '{"auth":'
"""How a message with a token begins, as `JSON.stringify({auth: token})` writes it."""

LATER = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


def token_in(data: Data) -> str | None:
    """Give the token in a message `{"auth": "…"}`; `None` where it is another message."""
    if not isinstance(data, str) or not data.startswith(PREFIX):
        return None
    try:
        message = json.loads(data)
    except (ValueError, RecursionError):
        return None
    token = message.get("auth")
    return token if len(message) == 1 and isinstance(token, str) else None


async def accept_token(visit: Visit, authenticator: TokenAuthenticator, token: str) -> bool:
    """Learn from a token who is there, and answer; close the connection where it is nobody's."""
    connection = visit.connection
    assert connection is not None
    try:
        visit.identify(await authenticator.verify(token))
    except RequestRefused as refused:
        visit.refused(refused)
        connection.close_soon(code_for(refused), shorten_reason(refused.reason))
        return False
    if connection.state is State.OPEN:
        assert visit.identity is not None
        answer = {"auth": "ok", "expires_at": visit.identity.expires_at}
        connection.send_soon(json.dumps(answer))
    return True


def code_for(refused: RequestRefused) -> int:
    """Give the close code that says what the status would have said before the upgrade."""
    if refused.status in LATER:
        return CloseCode.TRY_AGAIN_LATER
    return PolicyCode.INVALID_TOKEN
