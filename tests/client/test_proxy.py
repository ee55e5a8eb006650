"""Proxies: which one, and how it is asked."""

import asyncio
import os
import sys
from base64 import b64encode
from typing import Any

import pytest

from tests.client.proxies import SocksProxy, connect_proxy
from tests.client.scripted import Script, answering, hang, scripted
from trunkline import (
    InvalidProxy,
    InvalidProxyStatus,
    ProxyError,
    ServerConnection,
    connect,
    serve,
)
from trunkline.client.proxy import Proxy, choose_proxy, parse_proxy
from trunkline.protocol.uri import parse_uri

PLAIN = parse_uri("ws://example.com/")
SECURE = parse_uri("wss://example.com/")


async def echo(ws: ServerConnection) -> None:
    async for message in ws:
        await ws.send(message)


# Which one


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the proxies of this machine out of sight."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("address", "proxy"),
    [
        ("http://proxy", Proxy("http", "proxy", 80)),
        ("http://proxy:3128/", Proxy("http", "proxy", 3128)),
        ("HTTPS://proxy", Proxy("https", "proxy", 443)),
        ("socks4://proxy", Proxy("socks4", "proxy", 1080)),
        ("socks4a://proxy", Proxy("socks4a", "proxy", 1080)),
        ("socks5://proxy", Proxy("socks5", "proxy", 1080)),
        ("socks5h://[::1]:9", Proxy("socks5h", "::1", 9)),
        ("http://me:s%40c@proxy", Proxy("http", "proxy", 80, "me", "s@c")),
        ("http://me@proxy", Proxy("http", "proxy", 80, "me", "")),
    ],
)
def test_the_address_of_a_proxy_is_parsed(address: str, proxy: Proxy) -> None:
    assert parse_proxy(address) == proxy
    assert choose_proxy(address, PLAIN) == proxy


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("proxy:3128", "its scheme is not one of http, https, socks4"),
        ("ftp://proxy", "its scheme is not one of http, https, socks4"),
        ("http://", "it has no host"),
        ("http://proxy/path", "it has a path"),
        ("http://proxy?query", "it has a path"),
        ("http://proxy:port", "Port could not be cast"),
        ("http://proxy:65536", "Port out of range"),
        ("http://[::1", "Invalid IPv6 URL"),
    ],
)
def test_what_is_no_address_of_a_proxy_is_refused(address: str, problem: str) -> None:
    with pytest.raises(InvalidProxy, match=problem):
        choose_proxy(address, PLAIN)


def test_none_is_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy")
    assert choose_proxy(None, PLAIN) is None


@pytest.mark.parametrize(
    ("variables", "plain", "secure"),
    [
        ({}, None, None),
        ({"http_proxy": "http://h"}, "h", None),
        ({"https_proxy": "http://s"}, "s", "s"),
        ({"http_proxy": "http://h", "https_proxy": "http://s"}, "s", "s"),
        ({"HTTPS_PROXY": "http://s"}, "s", "s"),
        ({"socks_proxy": "socks5://o", "https_proxy": "http://s"}, "o", "o"),
        ({"ws_proxy": "http://w", "socks_proxy": "socks5://o"}, "w", "o"),
        ({"wss_proxy": "http://w", "https_proxy": "http://s"}, "s", "w"),
        ({"https_proxy": "http://s", "no_proxy": "example.com"}, None, None),
        ({"https_proxy": "http://s", "NO_PROXY": "*"}, None, None),
        ({"https_proxy": "http://s", "no_proxy": ".com"}, None, None),
        ({"https_proxy": "http://s", "no_proxy": "example.com:80"}, None, "s"),
        ({"https_proxy": "http://s", "no_proxy": "other.com"}, "s", "s"),
        ({"https_proxy": ""}, None, None),
    ],
)
def test_true_asks_the_environment(
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    plain: str | None,
    secure: str | None,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    chosen = [choose_proxy(True, uri) for uri in (PLAIN, SECURE)]
    assert [proxy and proxy.host for proxy in chosen] == [plain, secure]


# HTTP


async def head_sent_to_proxy(uri: str, credentials: str = "", **options: Any) -> dict[str, str]:
    """Give the request that a refusing proxy receives."""
    seen: list[dict[str, str]] = []
    refusal = b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"
    async with scripted(answering(refusal, seen=seen)) as port:
        with pytest.raises(InvalidProxyStatus):
            await connect(uri, proxy=f"http://{credentials}127.0.0.1:{port}", **options)
    return seen[0]


async def test_a_tunnel_is_asked_for() -> None:
    head = await head_sent_to_proxy(
        "ws://example.com/secret", additional_headers={"Cookie": "a=b"}, user_agent_header="me"
    )
    assert head == {
        "": "CONNECT example.com:80 HTTP/1.1",
        "Host": "example.com:80",
        "User-Agent": "me",
    }


async def test_a_tunnel_to_an_ipv6_address_is_asked_for_in_brackets() -> None:
    head = await head_sent_to_proxy("wss://[::1]/", user_agent_header=None)
    assert head == {"": "CONNECT [::1]:443 HTTP/1.1", "Host": "[::1]:443"}


async def test_credentials_are_for_the_proxy_alone() -> None:
    seen: list[dict[str, str]] = []

    async def record(ws: ServerConnection) -> None:
        assert ws.request is not None
        seen.append(dict(ws.request.headers))

    async with serve(record, "127.0.0.1", 0) as server:
        server_port = server.sockets[0].getsockname()[1]
        asked: list[dict[str, str]] = []
        async with scripted(connect_proxy(asked, lambda: server_port)) as port:
            proxy = f"http://me:s%C3%A9@127.0.0.1:{port}"
            async with connect("ws://you:open@example.com/", proxy=proxy):
                pass
    expected = "Basic " + b64encode("me:sé".encode()).decode()
    assert asked[0]["Proxy-Authorization"] == expected
    assert "Authorization" not in asked[0]
    assert "proxy-authorization" not in seen[0]
    assert seen[0]["authorization"].startswith("Basic ")


async def test_a_proxy_without_a_password_is_sent_an_empty_one() -> None:
    head = await head_sent_to_proxy("ws://example.com/", "me@")
    assert head["Proxy-Authorization"] == "Basic " + b64encode(b"me:").decode()


async def test_the_environment_is_asked_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        server_port = server.sockets[0].getsockname()[1]
        asked: list[dict[str, str]] = []
        async with scripted(connect_proxy(asked, lambda: server_port)) as port:
            monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
            async with connect("ws://example.com/") as ws:
                await ws.send("hello")
                assert await ws.recv() == "hello"
    assert len(asked) == 1


async def test_a_proxy_that_wants_to_know_who_asks_is_quoted() -> None:
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 5\r\n\r\nwho?\n"
    async with scripted(answering(refusal, stay=True)) as port:
        with pytest.raises(InvalidProxyStatus, match=r"the proxy answered 407 .*: who") as caught:
            await connect("ws://example.com/", proxy=f"http://127.0.0.1:{port}")
    assert caught.value.response.body == b"who?\n"


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        (answering(b"SSH-2.0-OpenSSH\r\n"), "the proxy does not speak HTTP: this is not HTTP"),
        (answering(), "the proxy does not speak HTTP: the server closed the connection"),
        (answering(b"HTTP/1.1 2"), "the proxy does not speak HTTP: the server closed"),
        (answering(b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 101"), "bytes of its own into the tunnel"),
    ],
)
async def test_a_proxy_that_misbehaves_is_told_so(script: Script, problem: str) -> None:
    async with scripted(script) as port:
        with pytest.raises(ProxyError, match=problem):
            await connect("ws://example.com/", proxy=f"http://127.0.0.1:{port}")


async def test_a_silent_proxy_meets_the_deadline() -> None:
    async with scripted(hang) as port:
        with pytest.raises(TimeoutError, match="was not opened within"):
            await connect("ws://example.com/", proxy=f"http://127.0.0.1:{port}", open_timeout=0.05)


async def test_a_proxy_that_is_not_there_is_an_os_error() -> None:
    async with scripted(hang) as port:
        pass
    for scheme in ("http", "socks5"):
        with pytest.raises(OSError):
            await connect("ws://example.com/", proxy=f"{scheme}://127.0.0.1:{port}")


# SOCKS


@pytest.mark.parametrize(
    ("scheme", "asked"),
    [
        ("socks4", (4, "127.0.0.1", 81)),
        ("socks4a", (4, "localhost", 81)),
        ("socks5", (5, "127.0.0.1", 81)),
        ("socks5h", (5, "localhost", 81)),
    ],
)
async def test_names_are_looked_up_here_or_there(scheme: str, asked: tuple[int, str, int]) -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        proxy = SocksProxy(server.sockets[0].getsockname()[1])
        async with (
            scripted(proxy) as port,
            connect("ws://localhost:81/", proxy=f"{scheme}://127.0.0.1:{port}") as ws,
        ):
            await ws.send("hello")
            assert await ws.recv() == "hello"
    assert proxy.asked == [asked]


async def test_a_socks_proxy_is_told_who_asks() -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        proxy = SocksProxy(server.sockets[0].getsockname()[1])
        async with scripted(proxy) as port:
            uri = "ws://example.invalid/"
            async with connect(uri, proxy=f"socks5h://me:s%40c@127.0.0.1:{port}"):
                pass
    assert proxy.credentials == [("me", "s@c")]


@pytest.mark.parametrize("scheme", ["socks4a", "socks5h"])
async def test_a_socks_proxy_that_refuses_is_quoted(scheme: str) -> None:
    async with scripted(SocksProxy(0, accepts=False)) as port:
        with pytest.raises(ProxyError, match="the SOCKS proxy refused: ") as caught:
            await connect("ws://example.invalid/", proxy=f"{scheme}://127.0.0.1:{port}")
    assert caught.value.__cause__ is not None


async def test_without_python_socks_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "python_socks", None)
    with pytest.raises(InvalidProxy, match=r"pip install 'trunkline\[socks\]'") as caught:
        await connect("ws://example.com/", proxy="socks5://me:secret@127.0.0.1:9")
    assert "secret" not in str(caught.value)


async def test_cancelling_a_socks_proxy_leaves_nothing() -> None:
    reached = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        reached.set()
        await asyncio.Event().wait()

    async with scripted(silent) as port:

        async def attempt() -> None:
            await connect("ws://example.com/", proxy=f"socks5h://127.0.0.1:{port}")

        attempting = asyncio.ensure_future(attempt())
        await reached.wait()
        attempting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempting
