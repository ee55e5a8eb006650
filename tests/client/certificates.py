"""Certificates of a throw-away authority, and contexts that trust it."""

import ssl
from datetime import UTC, datetime

import trustme

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def server_context(
    authority: trustme.CA, name: str = "localhost", not_after: datetime | None = None
) -> ssl.SSLContext:
    """Make the context of a server whose certificate is for `name`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = authority.issue_cert(
        name, not_before=LONG_AGO if not_after else None, not_after=not_after
    )
    certificate.configure_cert(context)
    return context


def client_context(authority: trustme.CA) -> ssl.SSLContext:
    """Make the context of a client that trusts `authority` alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(context)
    return context
