import ssl

import trustme

from tests.cli.doctor.targets import PATIENCE, target_at
from tests.client.certificates import client_context, server_context
from tests.client.scripted import Script, hang, scripted
from trunkline.cli.doctor.facts import Security
from trunkline.cli.doctor.probes.reply import Reply
from trunkline.cli.doctor.probes.securing import describe, secure
from trunkline.cli.doctor.probes.tunnel import open_stream

AUTHORITY = trustme.CA()
TRUSTING = client_context(AUTHORITY)


async def secured(
    script: Script,
    server: ssl.SSLContext | None,
    hostname: str = "localhost",
    timeout: float = PATIENCE,
) -> Security:
    async with scripted(script, server) as port:
        target = await target_at(port, TRUSTING)
        stream, _ = await open_stream(target, Reply(target.limits))
        assert stream is not None
        security = await secure(stream, TRUSTING, hostname, timeout)
        stream.abort()
    return security


async def test_everything_is_told_of_a_handshake_that_succeeds() -> None:
    security = await secured(hang, server_context(AUTHORITY))
    assert security.error is None
    assert security.version == "TLSv1.3"
    assert security.cipher.startswith("TLS_")
    assert security.certificate is not None
    assert security.certificate.names == ["localhost"]
    assert security.encoded and security.is_checked


async def test_a_wrong_certificate_is_a_fact() -> None:
    security = await secured(hang, server_context(AUTHORITY, "other.example"))
    assert isinstance(security.error, ssl.SSLCertVerificationError)


async def test_a_server_without_tls_is_a_fact() -> None:
    security = await secured(hang, None, timeout=0.05)
    assert isinstance(security.error, TimeoutError)


async def test_a_name_that_cannot_be_one_is_a_fact() -> None:
    security = await secured(hang, server_context(AUTHORITY), hostname=".localhost")
    assert isinstance(security.error, ValueError)


def test_little_is_told_of_a_handshake_that_is_not_done() -> None:
    class Nothing:
        context = ssl.create_default_context()

        def version(self) -> None:
            return None

        def cipher(self) -> None:
            return None

        def selected_alpn_protocol(self) -> None:
            return None

        def getpeercert(self, binary_form: bool = False) -> None:
            return None

    expected = Security(seconds=1.0)
    assert describe(Nothing(), 1.0) == expected  # type: ignore[arg-type]
