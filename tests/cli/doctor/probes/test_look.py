import ssl
import warnings
from dataclasses import replace

import pytest
import trustme

from tests.cli.doctor.targets import target_at
from tests.client.certificates import LONG_AGO, server_context
from tests.client.scripted import Script, answering, hang, scripted
from trunkline.cli.doctor.facts import Look, Security
from trunkline.cli.doctor.probes import look as probe
from trunkline.cli.doctor.probes.look import look
from trunkline.cli.doctor.route import ProxyRoute
from trunkline.cli.doctor.target import Target
from trunkline.client.proxy import Proxy

AUTHORITY = trustme.CA()


async def looked(
    script: Script, server: ssl.SSLContext | None, timeout: float = 20.0
) -> Look | None:
    async with scripted(script, server) as port:
        return await look(await target_at(port, ssl.create_default_context(), timeout=timeout))


async def test_a_certificate_that_nobody_trusts_is_seen() -> None:
    expired = server_context(AUTHORITY, "other.example", LONG_AGO.replace(year=2001))
    seen = await looked(hang, expired)
    assert seen is not None and seen.certificate is not None
    assert seen.version == "TLSv1.3"
    assert seen.certificate.names == ["other.example"]
    assert seen.certificate.ends == LONG_AGO.replace(year=2001).timestamp()


async def test_an_old_version_is_seen() -> None:
    context = server_context(AUTHORITY)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore"):
        context.minimum_version = ssl.TLSVersion.TLSv1_1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    seen = await looked(hang, context)
    assert seen is not None and seen.version == "TLSv1.1"


async def test_nothing_is_seen_where_there_is_no_tls() -> None:
    assert await looked(answering(b"no"), None, timeout=0.05) is None


async def test_nothing_is_seen_where_nobody_lets_us_through() -> None:
    async with scripted(answering(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")) as port:
        target = await target_at(port)
        target.route.close()  # type: ignore[attr-defined]
        proxy = Proxy("http", "127.0.0.1", port)
        route = ProxyRoute(proxy, target.uri, target.limits, "doctor")
        assert await look(replace(target, route=route)) is None


async def test_a_server_may_have_no_certificate() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AECDH:@SECLEVEL=0")
    assert await looked(hang, context) == Look(version="TLSv1.2")


async def test_a_server_that_hangs_up_the_second_time_is_seen_in_part(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    glances: list[Target] = []

    async def once(target: Target, context: ssl.SSLContext) -> Security | None:
        glances.append(target)
        return await glance(target, context) if len(glances) == 1 else None

    glance = probe.glance
    monkeypatch.setattr(probe, "glance", once)
    assert await looked(hang, server_context(AUTHORITY)) == Look(version="TLSv1.3")
