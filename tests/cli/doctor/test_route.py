import asyncio
import ssl

import pytest
import trustme

from tests.cli.doctor.targets import place_at
from tests.client.certificates import client_context, server_context
from tests.client.proxies import SocksProxy, connect_proxy
from tests.client.scripted import answering, read_head, scripted
from trunkline.cli.doctor import route as route_module
from trunkline.cli.doctor.probes.reply import Reply
from trunkline.cli.doctor.route import DirectRoute, ProxyRoute, Route
from trunkline.client.proxy import Proxy
from trunkline.engines.happy_eyeballs import connect
from trunkline.limits import DEFAULT_LIMITS
from trunkline.protocol.uri import parse_uri

ANSWER = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
URI = parse_uri("ws://localhost:7/")


async def status_by(route: Route) -> int:
    reply = Reply(DEFAULT_LIMITS)
    stream = await route.open(reply)
    stream.write(REQUEST)
    response, _ = await reply.received()
    stream.abort()
    return response.status_code


async def direct(port: int) -> DirectRoute:
    sock = await connect(asyncio.get_running_loop(), place_at(port), ())
    return DirectRoute(place_at(port), sock, 65536)


async def test_a_direct_route_uses_its_socket_and_then_new_ones() -> None:
    async with scripted(answering(ANSWER)) as port:
        route = await direct(port)
        assert [await status_by(route), await status_by(route)] == [404, 404]
        route.close()


async def test_a_route_that_is_given_up_closes_its_socket() -> None:
    closed = asyncio.Event()

    async def watch(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.read() == b""
        closed.set()

    async with scripted(watch) as port:
        (await direct(port)).close()
        await closed.wait()


async def test_a_route_leads_through_an_http_proxy() -> None:
    seen: list[dict[str, str]] = []
    async with (
        scripted(answering(ANSWER)) as port,
        scripted(connect_proxy(seen, lambda: port)) as proxy_port,
    ):
        proxy = Proxy("http", "127.0.0.1", proxy_port)
        assert await status_by(ProxyRoute(proxy, URI, DEFAULT_LIMITS, "doctor")) == 404
    assert seen[0][""] == "CONNECT localhost:7 HTTP/1.1"
    assert seen[0]["User-Agent"] == "doctor"


async def test_a_route_leads_through_a_proxy_with_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    trusting: ssl.SSLContext = client_context(authority)
    monkeypatch.setattr(route_module, "default_context", lambda: trusting)

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await read_head(reader)
        writer.write(ANSWER)
        await writer.drain()

    async with scripted(refuse, server_context(authority)) as proxy_port:
        proxy = Proxy("https", "localhost", proxy_port)
        assert await status_by(ProxyRoute(proxy, URI, DEFAULT_LIMITS, "doctor")) == 404


async def test_a_route_leads_through_a_socks_proxy() -> None:
    async with scripted(answering(ANSWER)) as port, scripted(SocksProxy(port)) as proxy_port:
        proxy = Proxy("socks5h", "127.0.0.1", proxy_port)
        assert await status_by(ProxyRoute(proxy, URI, DEFAULT_LIMITS, "doctor")) == 404
