"""User and password in the Authorization header (RFC 7617): for programs behind TLS."""

from __future__ import annotations

import hmac
import re
import secrets
from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping

from trunkline.auth.callback import ask, broken, logger, name_of
from trunkline.auth.challenge import MissingCredentials, unauthorized
from trunkline.auth.identity import Identity, check_user
from trunkline.auth.source import Header
from trunkline.protocol.http1 import Request

Verdict = bool | Identity | None
"""Whether the password is right, or at once who that is."""
Check = Callable[[str, str], Verdict | Awaitable[Verdict]]

BASIC = re.compile(r"Basic(?: +(.*))?", re.IGNORECASE)
# RFC 9110 §5.6.4, without what would need a backslash
REALM = re.compile(r"[ !\x23-\x5b\x5d-\x7e]+")
# RFC 7617 §2: neither part has control characters
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class Basic:
    """Knows users by their passwords.

    Args:
        users: passwords by user; or a function, plain or async, which gets user and password and
            says whether they belong together, or gives an `Identity`.
        realm: the name of what is protected.

    Raises:
        TypeError: `users` is neither passwords nor a function.
        ValueError: there is no user, a user or password that cannot be sent, or such a realm.
    """

    def __init__(self, users: Mapping[str, str] | Check, *, realm: str = "trunkline") -> None:
        if not REALM.fullmatch(realm):
            raise ValueError(f"realm {realm!r} has a character that may not be in one")
        if not isinstance(users, Mapping) and not callable(users):
            raise TypeError("users are a dict of passwords, or a function of user and password")
        # RFC 7617 §2.1: this parameter tells the client to encode as UTF-8
        self._challenge = f'Basic realm="{realm}", charset="UTF-8"'
        self._check = Passwords(users).match if isinstance(users, Mapping) else users
        self._header = Header()
        self.security = [{"type": "http", "scheme": "basic"}]

    async def authenticate(self, request: Request) -> Identity:
        """Say who it is.

        Raises:
            MissingCredentials: the request has none of this kind.
            RequestRefused: they cannot be read, or are wrong.
        """
        found = [BASIC.fullmatch(value) for value in request.headers.get_all("Authorization")]
        matches = [match for match in found if match]
        if not matches:
            raise MissingCredentials("user and password are missing", self._challenge)
        try:
            user, password = parse_credentials(matches)
        except ValueError as error:
            raise unauthorized(str(error), self._challenge) from None
        return self._judge(user, await ask(self._check, user, password))

    def _judge(self, user: str, verdict: object) -> Identity:
        if isinstance(verdict, Identity):
            return verdict
        if verdict is True:
            return Identity(user)
        if verdict is False or verdict is None:
            raise unauthorized("user or password is wrong", self._challenge)
        kind = type(verdict).__name__
        logger.error("%s gave neither a bool nor an identity, but %s", name_of(self._check), kind)
        raise broken()

    def conceal(self, request: Request) -> None:
        """Mask the Authorization header."""
        self._header.conceal(request)

    def is_credential(self, subprotocol: str) -> bool:
        """No subprotocol is."""
        return False


def parse_credentials(matches: list[re.Match[str]]) -> tuple[str, str]:
    """Give user and password.

    Args:
        matches: of `BASIC`, one for each header.

    Raises:
        ValueError: they cannot be read; the text has none of them.
    """
    if len(matches) > 1:
        raise ValueError(f"request has {len(matches)} Authorization headers, limit 1")
    user, colon, password = decode(matches[0][1] or "").partition(":")
    if not colon:
        raise ValueError("credentials have no colon between user and password")
    if CONTROL.search(user + password):
        raise ValueError("credentials have a control character")
    check_user(user)
    return user, password


def decode(text: str) -> str:
    """Undo base64 and UTF-8; raise `ValueError` with words that show nothing of it."""
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        raise ValueError("credentials are not in base64") from None
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise ValueError("credentials are not in UTF-8") from None


class Passwords:
    """Compares passwords such that the time it takes says nothing.

    It keeps none: only what a keyed hash makes of them, with a key that nobody knows.
    """

    def __init__(self, users: Mapping[str, str]) -> None:
        if not users:
            raise ValueError("there are no users: nobody could ever come in")
        self._key = secrets.token_bytes()
        self._digests = {check_pair(*pair): self._digest(pair[1]) for pair in users.items()}
        # An unknown user's password is compared, too; with what no password becomes.
        self._nobody = secrets.token_bytes(len(self._digest("")))

    def match(self, user: str, password: str) -> bool:
        """Whether this is the user's password."""
        known = self._digests.get(user, self._nobody)
        return hmac.compare_digest(known, self._digest(password))

    def _digest(self, password: str) -> bytes:
        return hmac.digest(self._key, password.encode(), "sha256")


def check_pair(user: str, password: str) -> str:
    """Give the user; raise `ValueError` where he could never show this password."""
    check_user(user)
    if ":" in user:
        raise ValueError(f"user {user!r} has a colon, which RFC 7617 §2 forbids")
    if not password or CONTROL.search(password):
        raise ValueError(f"password of {user!r} is empty, or has a control character")
    return user
