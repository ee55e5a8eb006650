"""What haproxy says before the first byte, in every dress that it has for it."""

import asyncio
from typing import Any

import pytest

from tests.proxies.front import HOST, Front
from trunkline.limits import MAX_PROXY_HEADER
from trunkline.protocol.proxy_protocol import ProxyHeader, ProxyReader

HANG_SECONDS = 30
NAME = "app.example"
REQUEST = b"GET / HTTP/1.1\r\nHost: app.example\r\nConnection: close\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

Ends = tuple[tuple[str, int], tuple[str, int]]
"""Addresses of the client and of the proxy, as the client sees them."""


async def overhear(front: Front) -> tuple[ProxyHeader, bytes, Ends]:
    """Ask through the proxy, and give what it says, the beginning of the request, and who asked."""
    heard: asyncio.Queue[tuple[ProxyHeader, bytes]] = asyncio.Queue()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        header, whole = ProxyReader(MAX_PROXY_HEADER), None
        while whole is None:
            whole = header.feed(await reader.read(7))
        heard.put_nowait((whole[0], whole[1] + await reader.readline()))
        writer.write(ANSWER)
        writer.close()
        await writer.wait_closed()

    async with asyncio.timeout(HANG_SECONDS), await listen(front, answer) as server:
        target = front.path if front.is_unix else server.sockets[0].getsockname()[1]
        with front.start(target) as port:
            ends = await ask(front, port)
        return *await heard.get(), ends


async def listen(front: Front, answer: Any) -> asyncio.Server:
    if front.is_unix:
        return await asyncio.start_unix_server(answer, front.path)
    return await asyncio.start_server(answer, HOST, 0)


async def ask(front: Front, port: int) -> Ends:
    """Ask, wait for the end of the answer, and give both ends of the line."""
    context = None
    if front.certificate is not None:
        context = front.certificate.client_context
        context.check_hostname = False
    name = None if context is None else NAME
    reader, writer = await asyncio.open_connection(HOST, port, ssl=context, server_hostname=name)
    ends = (writer.get_extra_info("sockname"), writer.get_extra_info("peername"))
    writer.write(REQUEST)
    assert (await reader.read()).startswith(b"HTTP/1.1 200 OK\r\n")
    writer.close()
    await writer.wait_closed()
    return ends


@pytest.mark.parametrize(
    "options",
    [
        "send-proxy",
        "send-proxy-v2",
        "send-proxy-v2-ssl",
        "send-proxy-v2 proxy-v2-options crc32c,unique-id",
        "send-proxy-v2-ssl-cn proxy-v2-options ssl-cipher,authority,crc32c",
    ],
)
async def test_both_ends_of_the_line_are_those_of_the_client(haproxy: Front, options: str) -> None:
    header, rest, ends = await overhear(haproxy.with_options(options))
    assert (header.source, header.destination) == ends
    assert rest.startswith(b"GET / HTTP/1.1\r\n"[: len(rest)])
    is_told = "ssl" in options
    assert header.is_tls is ((haproxy.certificate is not None) if is_told else None)


async def test_the_name_that_was_asked_for_in_tls_is_told(haproxy: Front) -> None:
    options = "send-proxy-v2 proxy-v2-options authority"
    header, _, _ = await overhear(haproxy.with_options(options))
    assert header.extras.authority == (None if haproxy.certificate is None else NAME)
