"""Tokens in messages: the first one of a connection, and those that refresh it."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from trunkline.app.admission.step import Step
from trunkline.close_codes import CloseCode, PolicyCode
from trunkline.connection.consumer import Data
from trunkline.connection.state import State
from trunkline.errors import RequestRefused
from trunkline.protocol.closing import shorten_reason

if TYPE_CHECKING:
    from trunkline.app.visit import Visit
    from trunkline.auth.authenticator import TokenAuthenticator

BEGINNING = re.compile(r'\s*\{\s*"auth"\s*:')
"""How a message with a token begins: other messages are not read twice."""

LATER = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


def token_in(data: Data) -> str | None:
    """Give the token in a message `{"auth": "…"}`; `None` where it is another message."""
    if not isinstance(data, str) or not BEGINNING.match(data):
        return None
    try:
        message = json.loads(data)
    except (ValueError, RecursionError):
        return None
    token = message.get("auth")
    return token if len(message) == 1 and isinstance(token, str) else None


async def accept_token(visit: Visit, authenticator: TokenAuthenticator, token: str) -> bool:
    """Learn from a token who is there, and answer; close the connection where it is nobody's.

    Returns:
        Whether the connection goes on.
    """
    visit.step = Step.AUTH
    try:
        visit.identify(await authenticator.verify(token))
    except RequestRefused as refused:
        turn_away(visit, refused)
        return False
    except Exception:
        visit.service.app.logger.exception("a token could not be judged")
        turn_away(visit, mistake())
        return False
    visit.step = Step.HANDLER
    answer(visit)
    return True


def answer(visit: Visit) -> None:
    """Say that a token was accepted, and until when it holds."""
    connection, identity = visit.connection, visit.identity
    if connection is not None and connection.state is State.OPEN:
        assert identity is not None
        told = {"auth": "ok", "expires_at": identity.expires_at}
        connection.send_soon(json.dumps(told))


def turn_away(visit: Visit, refused: RequestRefused) -> None:
    """Close a connection whose token is missing or nobody's, and count that as a refusal."""
    connection = visit.connection
    if connection is not None and connection.state is State.OPEN:
        visit.refused(refused)
        connection.close_soon(code_for(refused), shorten_reason(refused.reason))


def mistake() -> RequestRefused:
    """Make the refusal for a mistake on this side."""
    return RequestRefused(HTTPStatus.INTERNAL_SERVER_ERROR, "see the server's log")


def code_for(refused: RequestRefused) -> int:
    """Give the close code that says what the status would have said before the upgrade."""
    if refused.status in LATER:
        return CloseCode.TRY_AGAIN_LATER
    if refused.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return CloseCode.INTERNAL_ERROR
    return PolicyCode.INVALID_TOKEN
