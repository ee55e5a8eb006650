"""TLS of a server: what it offers to strangers (RFC 9325)."""

from __future__ import annotations

import ssl

# RFC 9325 §4.2: forward secrecy and authenticated encryption; TLS 1.3 has nothing else
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2."""


def make_context() -> ssl.SSLContext:
    """Make the context of a server, which lacks only a certificate.

    It speaks TLS 1.2 and 1.3, with the ciphers that browsers of the last ten years prefer. A peer
    cannot have it compress, which gives secrets away, or negotiate anew, which costs time.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    # RFC 9325 §3.1.1: nothing older
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    # RFC 9325 §3.3, §3.5
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    return context
