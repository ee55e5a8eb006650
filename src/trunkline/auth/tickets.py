"""One-time tickets: a page fetches one in its session, and shows it when it connects."""

from __future__ import annotations

import hmac
import json
import logging
import math
import re
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from trunkline.auth.challenge import unauthorized
from trunkline.auth.identity import Identity
from trunkline.auth.ledger import Ledger, MemoryLedger
from trunkline.auth.source import Query, Source, Sources, Subprotocol
from trunkline.errors import RequestRefused
from trunkline.limits import LARGEST_TICKET, LEDGER_RETRY, TICKET_LIFETIME
from trunkline.protocol.http1 import Request
from trunkline.protocol.retry_hint import refused_for_now

CHALLENGE = "Ticket"
# RFC 2104 §3: a key shorter than what the hash gives is weaker than the hash
KEY_BYTES = 32
ID_BYTES = 16
FORM = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{43})")
PURPOSE = b"trunkline ticket 1."
"""Signed before each ticket: whatever else the key signs is none, nor one of a later form."""

logger = logging.getLogger("trunkline.auth")


class Tickets:
    """Issues tickets and takes each of them once, in this process or another with the same key.

    Args:
        lifetime: seconds for which a ticket is good.
        ledger: knows which were used; where several processes take tickets, it must be one for all.
        key: signs them, at least 32 bytes; by default random, and known to this process only.
        sources: where a ticket may be in a request.
        now: gives seconds since the epoch.

    Raises:
        TypeError: the key is neither text nor bytes.
        ValueError: it is too short, or a ticket would never be good.
    """

    def __init__(
        self,
        lifetime: float = TICKET_LIFETIME,
        ledger: Ledger | None = None,
        key: str | bytes | None = None,
        *,
        sources: Sequence[Source] = (Query("ticket"), Subprotocol("ticket.")),
        now: Callable[[], float] = time.time,
    ) -> None:
        if not 0 < lifetime < math.inf:
            raise ValueError(
                f"lifetime of tickets is {lifetime!r} s, it must be above 0 and finite"
            )
        self.ledger: Ledger = MemoryLedger(now=now) if ledger is None else ledger
        self.has_own_key = key is None
        self._key = secrets.token_bytes(KEY_BYTES) if key is None else checked_key(key)
        self._lifetime = lifetime
        self._sources = Sources(sources, CHALLENGE)
        self._now = now
        self.awaits_message = self._sources.awaits_message
        self.security = self._sources.security

    def adopt_key(self, key: bytes) -> None:
        """Sign with this key from now on, unless the user has given one."""
        if self.has_own_key:
            self._key = checked_key(key)

    # Issuing

    def issue(self, user: Identity | str, claims: Mapping[str, Any] | None = None) -> str:
        """Make a ticket. Whoever has it can read it, and use it once.

        Args:
            user: for whom; an identity that expires takes its tickets along.
            claims: instead of those of the identity; JSON.

        Raises:
            TypeError: the claims cannot be JSON.
            ValueError: neither can these, or the ticket would be too large for an address.
        """
        identity = user if isinstance(user, Identity) else Identity(user)
        body = {
            "id": secrets.token_urlsafe(ID_BYTES),
            "use_by": self._use_by(identity),
            "user": identity.user,
            "claims": dict(identity.claims if claims is None else claims),
            "expires_at": identity.expires_at,
        }
        payload = encode(json.dumps(body, allow_nan=False, separators=(",", ":")).encode())
        ticket = f"{payload}.{encode(self._sign(payload))}"
        if len(ticket) > LARGEST_TICKET:
            size = f"{len(ticket):,} bytes, limit {LARGEST_TICKET:,}"
            raise ValueError(f"ticket would be {size}: give it fewer claims")
        return ticket

    def _use_by(self, identity: Identity) -> float:
        use_by = self._now() + self._lifetime
        return use_by if identity.expires_at is None else min(use_by, identity.expires_at)

    def _sign(self, payload: str) -> bytes:
        return hmac.digest(self._key, PURPOSE + payload.encode(), "sha256")

    # Taking

    async def authenticate(self, request: Request) -> Identity:
        """Say who it is; after that the ticket is used, whatever becomes of the request.

        Raises:
            MissingCredentials: the request has no ticket.
            RequestRefused: it is nobody's, too old or was used; 503 where that cannot be said.
        """
        return await self.verify(self._sources.token(request))

    async def verify(self, token: str) -> Identity:
        """Say whose ticket this is, and use it."""
        body = self._open(token)
        seconds = self._now() - body["use_by"]
        if seconds >= 0:
            raise refused(f"ticket expired {seconds:,.0f} s ago: fetch a new one to connect")
        if not await self._spend(body["id"], body["use_by"]):
            raise refused("ticket was used already: fetch a new one for each connection")
        return Identity(body["user"], body["claims"], body["expires_at"])

    def _open(self, ticket: str) -> dict[str, Any]:
        """Give what a ticket says, if it is one of ours."""
        match = None if len(ticket) > LARGEST_TICKET else FORM.fullmatch(ticket)
        if match is None:
            raise refused("this is not a ticket")
        payload, signature = match.groups()
        if not hmac.compare_digest(encode(self._sign(payload)), signature):
            raise refused("ticket is not signed with the key of this server")
        body: dict[str, Any] = json.loads(decode(payload))
        return body

    async def _spend(self, ticket_id: str, use_by: float) -> bool:
        try:
            return await self.ledger.spend(ticket_id, use_by)
        except RequestRefused:
            raise
        except Exception:
            logger.exception("the ledger of tickets failed; the request is refused")
        raise unavailable()

    def recognises(self, token: str) -> bool:
        """Whether it looks like a ticket."""
        return FORM.fullmatch(token) is not None

    def conceal(self, request: Request) -> None:
        """Take the ticket out of the request, though it is worthless by then."""
        self._sources.conceal(request)

    def is_credential(self, subprotocol: str) -> bool:
        """Whether an offered subprotocol is a ticket."""
        return self._sources.is_credential(subprotocol)


def checked_key(key: str | bytes) -> bytes:
    """Give the key as bytes; raise `ValueError` where it is too short, `TypeError` for no key."""
    if not isinstance(key, str | bytes | bytearray | memoryview):
        raise TypeError(f"key of tickets is text or bytes, not of type {type(key).__name__}")
    data = key.encode() if isinstance(key, str) else bytes(key)
    if len(data) < KEY_BYTES:
        raise ValueError(f"key of tickets is {len(data)} bytes, it must be at least {KEY_BYTES}")
    return data


def refused(reason: str) -> RequestRefused:
    """Make the refusal of a wrong ticket."""
    return unauthorized(reason, CHALLENGE)


def unavailable() -> RequestRefused:
    """Make the refusal where nobody can say which tickets were used."""
    return refused_for_now("tickets cannot be taken now: come back", LEDGER_RETRY)


def encode(data: bytes) -> str:
    """Give base64url without padding (RFC 4648 §5, §3.2)."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Undo `encode()`."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
