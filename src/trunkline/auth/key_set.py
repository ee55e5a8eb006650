"""The public keys of an issuer, as JSON Web Key Set (RFC 7517 §5), fetched when needed."""

from __future__ import annotations

import asyncio
import logging
import math
import ssl
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from trunkline.auth.key_server import KeyServer
from trunkline.errors import RequestRefused
from trunkline.limits import KEYS_LIFETIME, KEYS_RETRY, KEYS_TIMEOUT, LARGEST_KEY_SET
from trunkline.protocol.retry_hint import refused_for_now

if TYPE_CHECKING:
    from trunkline.auth.key import Key

logger = logging.getLogger("trunkline.auth")


class KeySet:
    """Finds keys by their id. Old keys stay good while their server is away.

    Args:
        url: where they are: https, or http on this machine. Redirects are not followed.
        lifetime: seconds for which fetched keys are new enough.
        retry: seconds until they are fetched again at the earliest, whoever asks for whatever.
        timeout: seconds for a fetch.
        largest: bytes that the answer may have.
        ssl: context for https.
        now: gives seconds that only go forward.

    Raises:
        ImportError: PyJWT is not installed.
        ValueError: the address could be answered by anybody.
    """

    def __init__(
        self,
        url: str,
        *,
        lifetime: float = KEYS_LIFETIME,
        retry: float = KEYS_RETRY,
        timeout: float = KEYS_TIMEOUT,
        largest: int = LARGEST_KEY_SET,
        ssl: ssl.SSLContext | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        # PyJWT is needed from here on, and not before.
        from trunkline.auth.key import parse_key_set

        self._parse = parse_key_set
        self._server = KeyServer(url, timeout, largest, ssl)
        self._lifetime = lifetime
        self._retry = retry
        self._now = now
        self._keys: Mapping[str, Key] = {}
        self._fetched_at = -math.inf
        self._tried_at = -math.inf
        self._is_away = False
        self._fetching: asyncio.Task[None] | None = None

    async def find(self, key_id: str) -> Key | None:
        """Give a key, or `None` where the issuer has none of this id.

        Raises:
            RequestRefused: 503 where that is not known, because the server is away.
        """
        if self._is_old() or key_id not in self._keys:
            await self._refresh()
        key = self._keys.get(key_id)
        if key is None and self._is_away:
            raise self._unavailable()
        return key

    def _is_old(self) -> bool:
        return self._now() - self._fetched_at >= self._lifetime

    async def _refresh(self) -> None:
        """Fetch the keys, unless that was tried a moment ago; or wait while somebody does."""
        if self._fetching is None or self._fetching.done():
            if self._now() - self._tried_at < self._retry:
                return
            self._fetching = asyncio.create_task(self._fetch())
        # Others wait for it too, when this one is cancelled.
        await asyncio.shield(self._fetching)

    async def _fetch(self) -> None:
        self._tried_at = self._now()
        try:
            self._keys = self._parse(await asyncio.to_thread(self._server.fetch))
            self._fetched_at = self._now()
            self._is_away = False
        except Exception as error:
            self._is_away = True
            logger.warning("no keys from %s: %s", self._server.url, error)

    def _unavailable(self) -> RequestRefused:
        reason = "the keys of the issuer cannot be had now: come back"
        return refused_for_now(reason, self._tried_at + self._retry - self._now())
