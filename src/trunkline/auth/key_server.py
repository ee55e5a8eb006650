"""Where the keys of an issuer are published: one address, which nothing in a token can change."""

from __future__ import annotations

import ssl
import time
from email.message import Message
from http.client import HTTPResponse
from typing import IO
from urllib.parse import urlsplit
from urllib.request import (
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    build_opener,
)

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
PIECE = 16 * 1024
"""Bytes that are read at once: the deadline is looked at between two pieces."""


class NoRedirects(HTTPRedirectHandler):
    """Follows nothing, so that the address stays the one that was configured."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        """Make an error of a redirect."""


class KeyServer:
    """Fetches one document; it blocks, so it is called on a thread.

    Args:
        url: of the document: https, or http on this machine.
        timeout: seconds for all of it, the look-up of the name apart.
        largest: bytes that it may have.
        ssl: context for https; `None` for the default, which trusts whom the system trusts.

    Raises:
        ValueError: the address is another one, or has a user or a fragment.
    """

    def __init__(
        self, url: str, timeout: float, largest: int, ssl: ssl.SSLContext | None = None
    ) -> None:
        is_local = check_url(url)
        self.url = url
        self._timeout = timeout
        self._largest = largest
        self._opener = make_opener(ssl, is_local=is_local)

    def fetch(self) -> bytes:
        """Give the document.

        Raises:
            OSError: it cannot be had, or not in time.
            http.client.HTTPException: the answer is not HTTP.
            ValueError: it is too large.
        """
        deadline = time.monotonic() + self._timeout
        request = Request(self.url, headers={"Accept": "application/json"})
        with self._opener.open(request, timeout=self._timeout) as response:
            return self._read(response, deadline)

    def _read(self, response: HTTPResponse, deadline: float) -> bytes:
        document = b""
        while piece := response.read1(PIECE):
            document += piece
            if len(document) > self._largest:
                raise ValueError(f"answer is over {self._largest:,} bytes, limit {self._largest:,}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"answer took over {self._timeout} s, limit {self._timeout} s")
        return document


def check_url(url: str) -> bool:
    """Refuse an address that could be answered by anybody; say whether it is of this machine."""
    parts = urlsplit(url)
    is_local = parts.hostname in LOOPBACK
    if not (parts.scheme == "https" and parts.hostname) and not (
        parts.scheme == "http" and is_local
    ):
        raise ValueError("the address of a key set begins with https://, or http://127.0.0.1")
    if "@" in parts.netloc or parts.fragment:
        raise ValueError("the address of a key set has no user and no fragment")
    return is_local


def make_opener(context: ssl.SSLContext | None, *, is_local: bool) -> OpenerDirector:
    """Make what opens the address, through the proxy of the environment if it is elsewhere."""
    proxies = ProxyHandler({} if is_local else None)
    return build_opener(NoRedirects, proxies, HTTPSHandler(context=context))
