"""A certificate for the loopback address, in the forms that the peers want."""

from __future__ import annotations

import ssl
from functools import cached_property

import trustme

HOST = "127.0.0.1"


class Certificate:
    """One server's certificate, and the authority that signed it."""

    def __init__(self) -> None:
        self._authority = trustme.CA()
        self._leaf = self._authority.issue_cert(HOST)

    @cached_property
    def server_context(self) -> ssl.SSLContext:
        """The context to serve with."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._leaf.configure_cert(context)
        return context

    @cached_property
    def client_context(self) -> ssl.SSLContext:
        """The context that trusts this server and nobody else."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._authority.configure_trust(context)
        return context

    @property
    def authority(self) -> str:
        """The authority as PEM."""
        return self._authority.cert_pem.bytes().decode()

    @property
    def chain(self) -> str:
        """The server's certificates as PEM."""
        return "".join(blob.bytes().decode() for blob in self._leaf.cert_chain_pems)

    @property
    def key(self) -> str:
        """The server's key as PEM."""
        return self._leaf.private_key_pem.bytes().decode()
