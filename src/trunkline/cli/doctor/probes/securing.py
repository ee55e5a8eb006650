"""The TLS handshake, with everything that it shows."""

from __future__ import annotations

import asyncio
import ssl

from trunkline.cli.doctor.certificate import read_certificate
from trunkline.cli.doctor.facts import Security
from trunkline.cli.doctor.probes.stopwatch import Stopwatch
from trunkline.engines.choose import current_engine
from trunkline.engines.engine import Stream, Tls


async def secure(
    stream: Stream, context: ssl.SSLContext, hostname: str, timeout: float
) -> Security:
    """Lay TLS over an open stream.

    Args:
        stream: lost, where this fails.
        context: says what is trusted.
        hostname: in the certificate.
        timeout: seconds.
    """
    tls = Tls(context=context, server_hostname=hostname)
    stopwatch = Stopwatch()
    try:
        async with asyncio.timeout(timeout):
            await current_engine().start_tls(stream, tls)
    except (OSError, ValueError) as error:  # OpenSSL's word for a name that cannot be one
        stream.abort()
        return Security(seconds=stopwatch.seconds(), error=error)
    return describe(stream.get_extra_info("ssl_object"), stopwatch.seconds())


def describe(secured: ssl.SSLObject, seconds: float) -> Security:
    """Tell what was agreed on, and who the server says it is."""
    version, cipher = secured.version(), secured.cipher()
    return Security(
        seconds=seconds,
        version=version or "",
        cipher=cipher[0] if cipher else "",
        alpn=secured.selected_alpn_protocol(),
        is_checked=secured.context.verify_mode is not ssl.CERT_NONE,
        certificate=read_certificate(secured.getpeercert() or {}),
        encoded=secured.getpeercert(binary_form=True) or b"",
    )
