"""A look at a server without believing it: what it is, where TLS with it fails or is not checked.

Python's `ssl` takes apart only certificates that it trusts. So there are two handshakes: one that
takes any certificate, and one that trusts just this one. Nothing is sent on either.
"""

from __future__ import annotations

import ssl
from dataclasses import replace

from trunkline.cli.doctor.facts import Look, Security
from trunkline.cli.doctor.probes.reply import Reply
from trunkline.cli.doctor.probes.securing import secure
from trunkline.cli.doctor.probes.tunnel import open_stream
from trunkline.cli.doctor.target import Target

# X509_V_FLAG_NO_CHECK_TIME of OpenSSL, which Python has no name for
NO_CHECK_TIME = 0x200000
WITH_OLD_CIPHERS = "ALL:@SECLEVEL=0"


async def look(target: Target) -> Look | None:
    """Look at a server; `None` where there is no TLS to be had from it."""
    security = await glance(target, credulous_context())
    if security is None:
        return None
    seen = Look(version=security.version)
    if not security.encoded:  # not every kind of TLS has certificates
        return seen
    again = await glance(target, trusting_context(security.encoded))
    return seen if again is None else replace(seen, certificate=again.certificate)


async def glance(target: Target, context: ssl.SSLContext) -> Security | None:
    """Do a handshake and hang up."""
    stream, _ = await open_stream(target, Reply(target.limits))
    if stream is None:
        return None
    security = await secure(stream, context, target.uri.host, target.timeout)
    stream.abort()
    return None if security.error else security


def credulous_context() -> ssl.SSLContext:
    """Make a context that takes any certificate, and versions that nobody should use any more."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers(WITH_OLD_CIPHERS)
    return context


def trusting_context(encoded: bytes) -> ssl.SSLContext:
    """Make a context that trusts this certificate, whatever its name, dates and issuer."""
    context = credulous_context()
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VerifyFlags(NO_CHECK_TIME)
    context.load_verify_locations(cadata=encoded)
    return context
