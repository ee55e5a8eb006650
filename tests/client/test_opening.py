"""The client's opening handshake: every way that it can end, and nothing left of it."""

import asyncio
import socket
import ssl
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.client.certificates import client_context, server_context
from tests.client.proxies import ESTABLISHED, SocksProxy, connect_proxy
from tests.client.scripted import (
    HANG_SECONDS,
    REFUSAL,
    Script,
    answering,
    hang,
    read_head,
    scripted,
    switching,
)
from trunkline import (
    Connection,
    Events,
    InvalidHeader,
    InvalidMessage,
    InvalidStatus,
    InvalidUpgrade,
    Limits,
    NegotiationError,
    SecurityError,
    ServerConnection,
    connect,
    serve,
)
from trunkline.client import opening

SHORT_SECONDS = 0.05
"""A deadline that is meant to pass."""


async def echo(ws: ServerConnection) -> None:
    async for message in ws:
        await ws.send(message)


async def check_echo(ws: Connection) -> None:
    await ws.send("hello")
    assert await ws.recv() == "hello"


def accepting(*behind: bytes, stay: bool = True, **changes: str | None) -> Script:
    """Make a script that accepts with changed headers, and sends more behind."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(switching(await read_head(reader), **changes) + b"".join(behind))
        await writer.drain()
        if stay:
            await reader.read()

    return script


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


# Success


async def test_a_connection_is_opened_and_remembers_how() -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}/room?x=1", origin=None) as ws:
            await check_echo(ws)
            assert ws.request is not None and ws.response is not None
            assert ws.request.path == "/room?x=1"
            assert ws.request.headers["Host"] == f"127.0.0.1:{port}"
            assert ws.response.status_code == 101


async def test_every_attempt_draws_a_fresh_key() -> None:
    seen: list[dict[str, str]] = []
    async with scripted(answering(REFUSAL, seen=seen)) as port:
        for _ in range(2):
            with pytest.raises(InvalidStatus):
                await connect(f"ws://127.0.0.1:{port}/")
    assert len({headers["Sec-WebSocket-Key"] for headers in seen}) == 2


async def test_bytes_behind_the_answer_are_frames() -> None:
    async with scripted(accepting(b"\x81\x05early")) as port:
        ws = await connect(f"ws://127.0.0.1:{port}/")
        assert await ws.recv() == "early"
        ws.abort()


async def test_interim_answers_are_skipped() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        headers = await read_head(reader)
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n")
        await writer.drain()
        writer.write(switching(headers) + b"\x81\x02hi")
        await reader.read()

    async with scripted(script) as port:
        ws = await connect(f"ws://127.0.0.1:{port}/")
        assert await ws.recv() == "hi"
        ws.abort()


async def test_events_are_made_for_each_connection() -> None:
    opened: list[Events] = []

    class Note(Events):
        def on_open(self, ws: Connection) -> None:
            opened.append(self)

    async with serve(echo, "127.0.0.1", 0) as server:
        connecting = connect(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/", events=Note)
        for _ in range(2):
            async with connecting:
                pass
    assert len(set(opened)) == 2


async def test_events_that_cannot_be_made_leave_no_stream() -> None:
    def broken() -> Events:
        raise RuntimeError("oh")

    async with scripted(accepting()) as port:
        with pytest.raises(RuntimeError, match="oh"):
            await connect(f"ws://127.0.0.1:{port}/", events=broken)


async def test_credentials_of_the_address_become_authorization() -> None:
    seen: list[dict[str, str]] = []
    async with scripted(answering(REFUSAL, seen=seen)) as port:
        for uri, headers in (
            (f"ws://me:s%3Ac%C3%A9@127.0.0.1:{port}/", {}),
            (f"ws://me@127.0.0.1:{port}/", {}),
            (f"ws://me:secret@127.0.0.1:{port}/", {"Authorization": "Bearer x"}),
        ):
            with pytest.raises(InvalidStatus):
                await connect(uri, additional_headers=headers)
    assert [headers["Authorization"] for headers in seen] == [
        "Basic " + b64encode("me:s:cé".encode()).decode(),
        "Basic " + b64encode(b"me:").decode(),
        "Bearer x",
    ]


# Where to


async def test_the_stream_may_lead_elsewhere_than_the_address(tmp_path: Path) -> None:
    async with serve(echo, "127.0.0.1", 0, origins=None) as server:
        port = server.sockets[0].getsockname()[1]
        place = {"host": "127.0.0.1", "port": port}
        async with connect("ws://example.invalid/", **place) as ws:
            await check_echo(ws)
            assert ws.request is not None
            assert ws.request.headers["Host"] == "example.invalid"
        with socket.create_connection(("127.0.0.1", port)) as sock:
            async with connect("ws://example.invalid/", sock=sock) as ws:
                await check_echo(ws)
        async with connect(
            f"ws://127.0.0.1:{port}/", local_addr=("127.0.0.3", 0), family=socket.AF_INET
        ) as ws:
            assert ws.local_address[0] == "127.0.0.3"


async def test_a_given_socket_follows_no_redirect() -> None:
    redirect = b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n"
    async with scripted(answering(redirect)) as port:
        sock = socket.create_connection(("127.0.0.1", port))
        with sock, pytest.raises(InvalidStatus, match="302"):
            await connect("ws://example.invalid/", sock=sock)


# TLS


async def test_tls_is_spoken_where_the_address_says_so(
    authority: trustme.CA, tmp_path: Path
) -> None:
    path = str(tmp_path / "socket")
    async with (
        serve(echo, path=path, ssl=server_context(authority)),
        connect("wss://localhost/", path=path, ssl=client_context(authority)) as ws,
    ):
        await check_echo(ws)


async def test_by_default_what_the_system_trusts_is_trusted(authority: trustme.CA) -> None:
    opening.default_context.cache_clear()
    assert opening.default_context() is opening.default_context()
    async with serve(echo, "127.0.0.1", 0, ssl=server_context(authority)) as server:
        with pytest.raises(ssl.SSLCertVerificationError, match="certificate verify failed"):
            await connect(f"wss://localhost:{server.sockets[0].getsockname()[1]}/")


@pytest.mark.parametrize(
    ("name", "not_after", "trusted", "problem"),
    [
        ("localhost", datetime(2001, 1, 1, tzinfo=UTC), True, "certificate has expired"),
        ("example.com", None, True, "Hostname mismatch"),
        ("localhost", None, False, "unable to get local issuer certificate"),
    ],
)
async def test_a_bad_certificate_is_named(
    authority: trustme.CA, name: str, not_after: datetime | None, trusted: bool, problem: str
) -> None:
    server_side = server_context(authority, name, not_after)
    context = client_context(authority if trusted else trustme.CA())
    async with serve(echo, "127.0.0.1", 0, ssl=server_side) as server:
        with pytest.raises(ssl.SSLCertVerificationError, match=problem):
            await connect(f"wss://localhost:{server.sockets[0].getsockname()[1]}/", ssl=context)


async def test_the_name_in_the_certificate_may_be_said(authority: trustme.CA) -> None:
    server_side = server_context(authority, "example.com")
    async with (
        serve(echo, "127.0.0.1", 0, ssl=server_side) as server,
        connect(
            f"wss://localhost:{server.sockets[0].getsockname()[1]}/",
            ssl=client_context(authority),
            server_hostname="example.com",
        ) as ws,
    ):
        await check_echo(ws)


async def test_tls_to_a_plain_port_is_an_ssl_error(authority: trustme.CA) -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        with pytest.raises(ssl.SSLError):
            await connect(
                f"wss://localhost:{server.sockets[0].getsockname()[1]}/",
                ssl=client_context(authority),
            )


# Refusals and worse


@pytest.mark.parametrize(
    ("answer", "body", "text"),
    [
        (REFUSAL, b"gone\n", "the server answered 404 Not Found: gone"),
        (b"HTTP/1.1 500 Oh\r\n\r\nto the end", b"to the end", "500 Oh: to the end"),
        (
            b"HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwait\r\n0\r\n\r\n",
            b"wait",
            "503 Busy: wait",
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"", "200 OK"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b"", "204 No Content"),
        (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", b"", "302 Found"),
    ],
)
async def test_another_answer_than_101_is_shown(answer: bytes, body: bytes, text: str) -> None:
    async with scripted(answering(answer)) as port:
        with pytest.raises(InvalidStatus, match=text) as caught:
            await connect(f"ws://127.0.0.1:{port}/")
    assert caught.value.response.body == body


async def test_a_whole_refusal_is_not_waited_behind() -> None:
    async with scripted(answering(REFUSAL, stay=True)) as port:
        with pytest.raises(InvalidStatus):
            await connect(f"ws://127.0.0.1:{port}/", open_timeout=None)


@pytest.mark.parametrize(
    ("script", "kind", "problem"),
    [
        (accepting(Sec_WebSocket_Accept="x"), InvalidHeader, "Sec-WebSocket-Accept header is 'x'"),
        (accepting(Sec_WebSocket_Accept=None), InvalidHeader, "Accept header is missing"),
        (accepting(Upgrade="h2c"), InvalidUpgrade, "Upgrade header is 'h2c'"),
        (accepting(Connection="close"), InvalidUpgrade, "Connection header is 'close'"),
        (accepting(Sec_WebSocket_Protocol="b"), NegotiationError, "'b' was not offered"),
        (accepting(Sec_WebSocket_Extensions="x-zip"), NegotiationError, "x-zip"),
        (answering(b"SSH-2.0-OpenSSH\r\n"), InvalidMessage, "not HTTP"),
        (answering(b"HTTP/1.1 101 OK\r\nX: " + b"x" * 20_000), InvalidMessage, "head is over"),
        (answering(), InvalidMessage, "closed the connection without an answer"),
        (answering(b"HTTP/1.1 1"), InvalidMessage, "closed the connection without an answer"),
    ],
)
async def test_a_bad_answer_is_named(script: Script, kind: type[Exception], problem: str) -> None:
    async with scripted(script) as port:
        with pytest.raises(kind, match=problem):
            await connect(f"ws://127.0.0.1:{port}/", subprotocols=["a"])


async def test_a_refused_connection_is_an_os_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        await connect(f"ws://127.0.0.1:{port}/")


async def test_a_reset_before_the_answer_is_an_os_error() -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00"
        )
        writer.transport.abort()

    async with scripted(reset) as port:
        with pytest.raises((ConnectionError, InvalidMessage)):
            await connect(f"ws://127.0.0.1:{port}/")


async def test_a_header_that_cannot_be_sent_opens_no_stream() -> None:
    with pytest.raises(ValueError, match="belongs to the opening handshake"):
        await connect("ws://127.0.0.1:1/", additional_headers={"Sec-WebSocket-Key": "x"})


# Redirects


def redirecting(*locations: str | None, seen: list[dict[str, str]] | None = None) -> Script:
    """Make a script that redirects each client to the next location, or accepts it."""
    upcoming = list(locations)

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        headers = await read_head(reader)
        if seen is not None:
            seen.append(headers)
        location = upcoming.pop(0) if upcoming else None
        if location is None:
            writer.write(switching(headers) + b"\x81\x02ok")
        else:
            head = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
            writer.write(head.encode())
        await reader.read()

    return script


SECRETS = {"Authorization": "Bearer x", "Cookie": "a=b", "X-Kept": "1"}


async def test_a_redirect_within_the_origin_keeps_everything() -> None:
    seen: list[dict[str, str]] = []
    async with scripted(redirecting("/one", "two?x", seen=seen)) as port:
        ws = await connect(f"ws://127.0.0.1:{port}/", additional_headers=SECRETS)
        assert await ws.recv() == "ok"
        ws.abort()
    assert [headers[""] for headers in seen] == [
        "GET / HTTP/1.1",
        "GET /one HTTP/1.1",
        "GET /two?x HTTP/1.1",
    ]
    assert all(headers | SECRETS == headers for headers in seen)


async def test_a_redirect_to_another_origin_goes_without_credentials() -> None:
    seen: list[dict[str, str]] = []
    async with (
        scripted(redirecting(seen=seen)) as other,
        scripted(redirecting(f"http://127.0.0.1:{other}/x")) as port,
    ):
        ws = await connect(
            f"ws://me:secret@127.0.0.1:{port}/", additional_headers=SECRETS | {"Host": "here"}
        )
        assert await ws.recv() == "ok"
        ws.abort()
    (headers,) = seen
    assert headers["Host"] == f"127.0.0.1:{other}"
    assert headers["X-Kept"] == "1"
    assert "Authorization" not in headers and "Cookie" not in headers


async def test_a_redirect_out_of_tls_is_refused(authority: trustme.CA) -> None:
    script = redirecting("ws://127.0.0.1:1/")
    async with scripted(script, server_context(authority)) as port:
        with pytest.raises(SecurityError, match="from wss:// to ws://"):
            await connect(f"wss://localhost:{port}/", ssl=client_context(authority))


@pytest.mark.parametrize("allowed", [0, 2])
async def test_too_many_redirects_are_refused(allowed: int) -> None:
    seen: list[dict[str, str]] = []
    async with scripted(redirecting(*["/again"] * 9, seen=seen)) as port:
        with pytest.raises(SecurityError, match=f"over {allowed} redirects"):
            await connect(f"ws://127.0.0.1:{port}/", limits=Limits(max_redirects=allowed))
    assert len(seen) == allowed + 1


# Deadlines and cancellation


async def half_an_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_head(reader)
    writer.write(b"HTTP/1.1 101 Swi")
    await reader.read()


async def half_a_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_head(reader)
    writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\ngo")
    await reader.read()


STAGES = [("ws", hang), ("wss", hang), ("ws", half_an_answer), ("ws", half_a_body)]


@pytest.mark.parametrize(("scheme", "script"), STAGES)
async def test_the_deadline_counts_at_every_stage(scheme: str, script: Any) -> None:
    async with scripted(script) as port:
        uri = f"{scheme}://localhost:{port}/"
        with pytest.raises(TimeoutError, match=f"{uri} was not opened within {SHORT_SECONDS} s"):
            await connect(uri, open_timeout=SHORT_SECONDS)


async def test_the_deadline_spans_redirects() -> None:
    async with scripted(hang) as silent, scripted(redirecting(f"ws://127.0.0.1:{silent}/")) as port:
        with pytest.raises(TimeoutError, match=f"ws://127.0.0.1:{port}/ was not opened within"):
            await connect(f"ws://127.0.0.1:{port}/", open_timeout=4 * SHORT_SECONDS)


async def test_a_timeout_of_the_system_is_not_taken_for_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def timed_out(*args: object) -> Connection:
        raise TimeoutError(110, "Connection timed out")

    monkeypatch.setattr(opening, "follow", timed_out)
    with pytest.raises(TimeoutError, match="Connection timed out"):
        await connect("ws://127.0.0.1:1/")


async def test_the_error_names_no_credentials() -> None:
    async with scripted(hang) as port:
        with pytest.raises(TimeoutError) as caught:
            await connect(f"ws://me:secret@127.0.0.1:{port}/", open_timeout=SHORT_SECONDS)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["ws", "wss"])
@pytest.mark.parametrize("answer", [b"", b"H"])
async def test_cancelling_leaves_nothing(scheme: str, answer: bytes) -> None:
    reached = asyncio.Event()

    async def watched(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        reached.set()
        writer.write(answer)
        await asyncio.Event().wait()

    async with scripted(watched) as port:
        attempting = asyncio.ensure_future(attempt(f"{scheme}://127.0.0.1:{port}/"))
        await reached.wait()
        attempting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(attempting, HANG_SECONDS)


@pytest.mark.parametrize("steps", range(20))
async def test_cancelling_at_any_step_leaves_nothing(steps: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # the kernel takes clients in
        uri = f"ws://127.0.0.1:{silent.getsockname()[1]}/"
        attempting = asyncio.ensure_future(attempt(uri))
        for _ in range(steps):
            await asyncio.sleep(0)
        attempting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(attempting, HANG_SECONDS)


async def attempt(uri: str) -> Connection:
    return await connect(uri, open_timeout=None)


# Through proxies


@pytest.mark.parametrize("scheme", ["ws", "wss"])
@pytest.mark.parametrize("proxy_scheme", ["http", "https", "socks5h"])
async def test_every_scheme_goes_through_every_proxy(
    authority: trustme.CA, scheme: str, proxy_scheme: str
) -> None:
    """Also TLS inside of TLS."""
    server_tls = server_context(authority, "example.com") if scheme == "wss" else None
    proxy_tls = server_context(authority) if proxy_scheme == "https" else None
    async with serve(echo, "127.0.0.1", 0, ssl=server_tls) as server:
        server_port = server.sockets[0].getsockname()[1]
        seen: list[Any] = []
        script: Script = SocksProxy(server_port, asked=seen)
        if proxy_scheme != "socks5h":
            script = connect_proxy(seen, lambda: server_port)
        async with (
            scripted(script, proxy_tls) as port,
            connect(
                f"{scheme}://example.com:81/",
                proxy=f"{proxy_scheme}://localhost:{port}",
                ssl=client_context(authority) if server_tls else None,
                proxy_ssl=client_context(authority),
            ) as ws,
        ):
            await check_echo(ws)
    assert len(seen) == 1


async def test_a_directed_stream_needs_no_proxy() -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with connect("ws://localhost/", port=port, proxy="http://127.0.0.1:1") as ws:
            await check_echo(ws)


async def test_a_tls_proxy_is_trusted_as_the_system_says(authority: trustme.CA) -> None:
    async with scripted(hang, server_context(authority)) as port:
        with pytest.raises(ssl.SSLCertVerificationError):
            await connect("ws://example.com/", proxy=f"https://localhost:{port}")


async def test_tls_that_fails_in_the_tunnel_leaves_nothing(authority: trustme.CA) -> None:
    async with scripted(answering(ESTABLISHED)) as port:
        with pytest.raises(OSError):
            await connect(
                "wss://example.com/",
                proxy=f"http://127.0.0.1:{port}",
                ssl=client_context(authority),
            )


async def test_a_wrong_certificate_in_the_tunnel_is_named(authority: trustme.CA) -> None:
    async with serve(echo, "127.0.0.1", 0, ssl=server_context(authority)) as server:
        server_port = server.sockets[0].getsockname()[1]
        async with scripted(connect_proxy([], lambda: server_port)) as port:
            with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
                await connect(
                    "wss://example.com/",
                    proxy=f"http://127.0.0.1:{port}",
                    ssl=client_context(authority),
                )
