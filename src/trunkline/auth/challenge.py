"""Refusals that ask for credentials (RFC 9110 §11.6.1)."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from trunkline.errors import RequestRefused

FIELD = "WWW-Authenticate"

UNNAMED = "Custom"
"""The scheme of whoever has not said how it is called."""


def unauthorized(reason: str, challenge: str) -> RequestRefused:
    """Make the refusal of wrong credentials.

    Args:
        reason: one line, which never has any of the credentials in it.
        challenge: what would be right, as WWW-Authenticate has it.
    """
    # RFC 9110 §15.5.2: an answer of 401 has a challenge
    return RequestRefused(HTTPStatus.UNAUTHORIZED, reason, {FIELD: challenge})


class MissingCredentials(RequestRefused):
    """The request has no credentials of a kind: 401, unless there are some of another kind."""

    def __init__(self, reason: str, challenge: str) -> None:
        super().__init__(HTTPStatus.UNAUTHORIZED, reason, {FIELD: challenge})


class TokenFollows(MissingCredentials):
    """The request has no credentials, and may be accepted all the same: the first message is one.

    Nobody is anybody until `verify()` has said so. Who cannot wait for that message refuses.
    """


def joined(missing: Sequence[MissingCredentials]) -> MissingCredentials:
    """Make one refusal of several, with the words and the challenges of all."""
    follows = any(isinstance(each, TokenFollows) for each in missing)
    kind = TokenFollows if follows else MissingCredentials
    reason = "; ".join(each.reason for each in missing)
    return kind(reason, ", ".join(each.headers[FIELD] for each in missing))
