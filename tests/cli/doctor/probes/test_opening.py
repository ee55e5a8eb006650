import ssl
from dataclasses import replace

import pytest
import trustme

from tests.cli.doctor.targets import target_at
from tests.client.certificates import client_context, server_context
from tests.client.scripted import answering, hang, scripted
from trunkline.cli.doctor.facts import Opening, Security
from trunkline.cli.doctor.probes import opening as probe
from trunkline.cli.doctor.probes.opening import visit
from trunkline.cli.doctor.route import ProxyRoute
from trunkline.client.proxy import Proxy
from trunkline.errors import InvalidMessage
from trunkline.protocol.refusals import InvalidProxyStatus

AUTHORITY = trustme.CA()
TRUSTING = client_context(AUTHORITY)
ANSWER = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"


async def visited(port: int, context: ssl.SSLContext | None, timeout: float = 20.0) -> Opening:
    target = await target_at(port, context, timeout=timeout)
    return await visit(target, target.question.request, context)


async def test_an_answer_is_told_with_its_time() -> None:
    async with scripted(answering(ANSWER)) as port:
        opening = await visited(port, None)
    assert opening.response is not None
    assert (opening.response.status_code, opening.response.body) == (403, b"no")
    assert opening.beginning.startswith(b"HTTP/1.1 403")
    assert opening.seconds > 0


async def test_an_answer_may_come_by_tls() -> None:
    async with scripted(answering(ANSWER), server_context(AUTHORITY)) as port:
        opening = await visited(port, TRUSTING)
    assert opening.response is not None and opening.response.status_code == 403


async def test_a_handshake_that_fails_is_a_fact() -> None:
    async with scripted(answering(ANSWER), server_context(AUTHORITY, "b.example")) as port:
        opening = await visited(port, TRUSTING)
    assert isinstance(opening.error, ssl.SSLCertVerificationError)


async def test_nothing_is_asked_where_a_handshake_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    error = ssl.SSLError(1, "odd")

    async def fail(*_: object) -> Security:
        return Security(seconds=1.0, error=error)

    monkeypatch.setattr(probe, "secure", fail)
    async with scripted(hang) as port:
        assert await visited(port, TRUSTING) == Opening(seconds=1.0, error=error)


async def test_what_is_no_answer_is_a_fact() -> None:
    async with scripted(answering(b"SSH-2.0-OpenSSH\r\n")) as port:
        opening = await visited(port, None)
    assert isinstance(opening.error, InvalidMessage)
    assert opening.beginning == b"SSH-2.0-OpenSSH\r\n"


async def test_a_server_that_is_silent_is_given_up() -> None:
    async with scripted(hang) as port:
        opening = await visited(port, None, timeout=0.05)
    assert isinstance(opening.error, TimeoutError)


async def test_a_proxy_that_refuses_is_a_fact() -> None:
    async with scripted(answering(ANSWER)) as port:
        target = await target_at(port)
        target.route.close()  # type: ignore[attr-defined]
        proxy = Proxy("http", "127.0.0.1", port)
        route = ProxyRoute(proxy, target.uri, target.limits, "doctor")
        opening = await visit(replace(target, route=route), target.question.request, None)
    assert isinstance(opening.error, InvalidProxyStatus)
