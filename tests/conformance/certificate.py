"""A certificate for the loopback address, and the two TLS contexts that go with it."""

import ssl
from functools import cache
from typing import NamedTuple

import trustme


class Contexts(NamedTuple):
    """TLS contexts of the two sides of a connection."""

    server: ssl.SSLContext
    client: ssl.SSLContext


@cache
def contexts() -> Contexts:
    """Make the contexts, once for each process."""
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return Contexts(server, client)
