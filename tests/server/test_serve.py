"""A server's life: every way to listen, every way to close, and an end in every case."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.server.doorkeeper import Doorkeeper, guarded
from tests.server.wire import HANG_SECONDS, ask, port_of, request, uri_of, visit
from trunkline import (
    Connection,
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    Deflate,
    Events,
    InvalidMessage,
    InvalidState,
    Limits,
    Server,
    ServerConnection,
    connect,
    serve,
    unix_connect,
    unix_serve,
)
from trunkline.engines.engine import Tls
from trunkline.limits import TLS_GRACE
from trunkline.server.serve import with_patience

SHORT_SECONDS = 0.05
"""A deadline that is meant to pass."""


async def echo(ws: ServerConnection) -> None:
    async for message in ws:
        await ws.send(message)


class Echo(Events):
    def on_message(self, ws: Connection, data: str | bytes) -> None:
        ws.send_soon(data)


def server_for(handler: Any = echo, **options: Any) -> Server:
    return serve(handler, "127.0.0.1", 0, **options)


async def check_echo(ws: Connection) -> None:
    await ws.send("hello")
    assert await ws.recv() == "hello"


# Listening


@pytest.mark.parametrize("handler", [echo, Echo, lambda request: Echo()])
async def test_port_0_is_a_free_port_and_every_kind_of_handler_answers(handler: Any) -> None:
    async with server_for(handler) as server:
        assert port_of(server) > 0
        async with connect(uri_of(server)) as ws:
            await check_echo(ws)


async def test_awaiting_a_server_starts_it() -> None:
    server = await server_for()
    assert server.is_serving()
    async with connect(uri_of(server)) as ws:
        await check_echo(ws)
    server.close()
    await server.wait_closed()
    assert not server.is_serving()


async def test_a_bound_server_has_its_port_and_accepts_nobody_yet() -> None:
    server = server_for()
    assert server.sockets == ()
    await server.bind()
    await server.bind()
    assert port_of(server) > 0
    assert not server.is_serving()
    await server.start_serving()
    await server.start_serving()
    assert server.is_serving()
    async with server, connect(uri_of(server)) as ws:
        await check_echo(ws)


@pytest.mark.parametrize("handler", [echo, Echo])
async def test_what_goes_through_all_connections_is_counted(handler: Any) -> None:
    server = server_for(handler, compression=None)
    assert server.traffic.messages_received == 0
    with pytest.raises(AttributeError):
        server.traffic = None  # type: ignore[assignment,misc]
    async with server:
        for _ in range(2):
            async with connect(uri_of(server), compression=None) as ws:
                await check_echo(ws)
        traffic = server.traffic
    # Each a message of 5 bytes and a goodbye of 2, with 2 bytes before them, and 4 for a mask.
    assert (traffic.messages_received, traffic.messages_sent) == (2, 2)
    assert (traffic.bytes_received, traffic.bytes_sent) == (2 * (11 + 8), 2 * (7 + 4))
    assert (traffic.dropped, traffic.paused, traffic.closed) == (0, 0, 0)


async def test_a_taken_port_is_an_error() -> None:
    async with server_for() as server:
        with pytest.raises(OSError, match=r"(?i)address already in use"):
            await serve(echo, "127.0.0.1", port_of(server))


async def test_several_processes_may_share_a_port_when_all_say_so() -> None:
    async with (
        server_for(reuse_port=True) as first,
        serve(echo, "127.0.0.1", port_of(first), reuse_port=True) as second,
    ):
        assert port_of(first) == port_of(second)


async def test_several_hosts_may_be_named() -> None:
    async with serve(echo, ["127.0.0.1", "127.0.0.2"], 0) as server:
        assert len(server.sockets) == 2
        for sock in server.sockets:
            host, port = sock.getsockname()
            async with connect(f"ws://{host}:{port}/") as ws:
                await check_echo(ws)


async def test_a_family_may_be_chosen() -> None:
    async with serve(echo, None, 0, family=socket.AF_INET) as server:
        assert [sock.family for sock in server.sockets] == [socket.AF_INET]


async def test_ipv6_is_served() -> None:
    async with serve(echo, "::1", 0) as server, connect(f"ws://[::1]:{port_of(server)}/") as ws:
        await check_echo(ws)


async def test_an_inherited_socket_is_served() -> None:
    sock = socket.create_server(("127.0.0.1", 0))
    async with serve(echo, sock=sock) as server:
        assert port_of(server) == sock.getsockname()[1]
        async with connect(uri_of(server)) as ws:
            await check_echo(ws)


async def test_a_unix_socket_is_served(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    async with unix_serve(echo, path), unix_connect(path) as ws:
        await check_echo(ws)


async def test_an_inherited_unix_socket_is_served(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(path)
    async with unix_serve(echo, sock=sock), unix_connect(path) as ws:
        await check_echo(ws)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: serve(echo, "127.0.0.1", path="/x"), "excludes host, port and sock"),
        (lambda: serve(echo, port=0, path="/x"), "excludes host, port and sock"),
        (lambda: unix_serve(echo), "needs path or sock"),
        (lambda: serve(echo, port=0, origins=["example.com"]), "is not an origin"),
        (lambda: serve(echo, port=0, subprotocols=["a b"]), "is not the name of a subprotocol"),
        (lambda: serve(echo, port=0, compression="zip"), "compression is 'zip'"),
        (lambda: serve(echo, port=0, max_size=-1), "must not be negative"),
    ],
)
def test_arguments_that_exclude_each_other_are_refused(
    make: Callable[[], Server], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        make()


@pytest.mark.parametrize("address", [{"host": "::1"}, {"port": 0}])
def test_a_socket_excludes_host_and_port(address: Any) -> None:
    with socket.socket() as sock, pytest.raises(ValueError, match="sock excludes host and port"):
        serve(echo, sock=sock, **address)


@pytest.mark.parametrize("options", [{"max_sise": 1}, {"max_body": 1}, {"max_size": "1"}])
def test_unknown_options_and_wrong_types_are_refused(options: Any) -> None:
    with pytest.raises(TypeError):
        serve(echo, port=0, **options)


async def test_without_any_address_nothing_is_served() -> None:
    with pytest.raises(ValueError, match="a server needs host and port, path or sock"):
        serve(echo)


async def test_options_and_limits_reach_the_connections() -> None:
    limits = Limits(max_queue=3, max_size=5)
    async with (
        server_for(limits=limits, max_size=7, compression=None) as server,
        connect(uri_of(server)) as ws,
    ):
        assert ws.extensions == []
        await ws.send("x" * 8)
        with pytest.raises(ConnectionClosedError, match="message is 8 bytes, limit 7"):
            await ws.recv()


async def test_details_of_compression_are_negotiated() -> None:
    deflate = Deflate(server_max_window_bits=9)
    async with server_for(compression=deflate) as server, connect(uri_of(server)) as ws:
        assert "server_max_window_bits=9" in ws.extensions[0]
        await check_echo(ws)


async def test_a_logger_may_be_given(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "mine")
    async with server_for(logger=logging.getLogger("mine")) as server:
        await ask(server, request(Upgrade=None))
    assert [record.name for record in caplog.records] == ["mine"]


# TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


@pytest.fixture
def client_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


async def test_tls_is_served(
    server_context: ssl.SSLContext, client_context: ssl.SSLContext
) -> None:
    async with (
        server_for(ssl=server_context) as server,
        connect(uri_of(server, scheme="wss"), ssl=client_context) as ws,
    ):
        await check_echo(ws)
        assert ws.get_extra_info("ssl_object") is not None
    assert ws.close_code == 1000


async def test_a_certificate_may_be_chosen_by_the_name_that_is_asked_for(
    authority: trustme.CA, server_context: ssl.SSLContext, client_context: ssl.SSLContext
) -> None:
    other = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("other.example").configure_cert(other)
    asked: list[str | None] = []

    def choose(sock: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        asked.append(name)
        if name == "other.example":
            sock.context = other

    server_context.sni_callback = choose
    async with server_for(ssl=server_context) as server:
        uri = uri_of(server, scheme="wss")
        async with connect(uri, ssl=client_context, server_hostname="other.example") as ws:
            await check_echo(ws)
        async with connect(uri, ssl=client_context) as ws:
            await check_echo(ws)
    assert asked == ["other.example", "localhost"]


async def test_client_certificates_are_asked_for_and_shown(
    authority: trustme.CA, server_context: ssl.SSLContext, client_context: ssl.SSLContext
) -> None:
    server_context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(server_context)
    authority.issue_cert("client@example.com").configure_cert(client_context)
    names: list[Any] = []

    async def handler(ws: ServerConnection) -> None:
        names.append(ws.get_extra_info("peercert")["subjectAltName"])

    async with server_for(handler, ssl=server_context) as server:
        ws = await connect(uri_of(server, scheme="wss"), ssl=client_context)
        await ws.wait_closed()
    assert names == [(("email", "client@example.com"),)]


async def test_a_client_without_certificate_reaches_no_handler(
    authority: trustme.CA, server_context: ssl.SSLContext, client_context: ssl.SSLContext
) -> None:
    server_context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(server_context)
    reached: list[ServerConnection] = []

    async def handler(ws: ServerConnection) -> None:
        reached.append(ws)

    async with server_for(handler, ssl=server_context) as server:
        with pytest.raises((OSError, InvalidMessage)):
            await connect(uri_of(server, scheme="wss"), ssl=client_context)
    assert reached == []


async def test_a_refusal_travels_over_tls(
    server_context: ssl.SSLContext, client_context: ssl.SSLContext
) -> None:
    async with server_for(ssl=server_context) as server:
        sent = request(Origin="http://evil.com") + bytes(1024 * 1024)
        assert (await ask(server, sent, client_context)).status_code == 403


async def test_tls_may_be_the_business_of_each_opening(
    server_context: ssl.SSLContext, client_context: ssl.SSLContext
) -> None:
    asked = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"
    async with guarded(Doorkeeper, Tls(context=server_context)) as server:
        assert (await ask(server, asked, client_context)).body == b"body"


@pytest.mark.parametrize(("given", "left"), [(None, None), (10.0, 10.0 + TLS_GRACE)])
def test_the_deadline_of_an_opening_comes_first(
    server_context: ssl.SSLContext, given: float | None, left: float | None
) -> None:
    tls = Tls(context=server_context, handshake_timeout=given)
    assert with_patience(tls) == replace(tls, handshake_timeout=left)


async def test_a_silent_tls_handshake_is_cut_off(server_context: ssl.SSLContext) -> None:
    async with (
        server_for(ssl=server_context, open_timeout=SHORT_SECONDS) as server,
        visit(server) as (reader, _),
    ):
        assert await reader.read() == b""


# Knowing


async def test_a_server_knows_its_connections() -> None:
    async with server_for() as server:
        assert server.connections == set()
        async with connect(uri_of(server)) as ws:
            await check_echo(ws)
            (connection,) = server.connections
            assert connection.remote_address == ws.local_address
        await asyncio.wait_for(connection.wait_closed(), HANG_SECONDS)
        assert server.connections == set()


async def test_two_servers_know_their_own_connections() -> None:
    async with (
        server_for(Echo) as one,
        server_for(Echo) as other,
        connect(uri_of(one)) as first,
        connect(uri_of(other)) as second,
    ):
        await check_echo(first)
        await check_echo(second)
        (connection,) = one.connections
        assert connection.remote_address == first.local_address
        assert len(one.connections | other.connections) == 2
        one.close()
        await asyncio.wait_for(one.wait_closed(), HANG_SECONDS)
        assert one.connections == set() and len(other.connections) == 1
        await check_echo(second)


async def test_a_connection_that_hung_up_while_reading_was_paused_is_known_and_cut() -> None:
    class Pausing(Events):
        def on_open(self, ws: Connection) -> None:
            ws.pause_reading()

    async with server_for(Pausing(), close_timeout=SHORT_SECONDS) as server:
        async with visit(server) as (reader, writer):
            writer.write(request())
            await reader.readuntil(b"\r\n\r\n")
            (connection,) = server.connections
        for _ in range(10):  # the set hears of it, and then no more
            await asyncio.sleep(0)
        assert server.connections == {connection}
        server.close()
        await asyncio.wait_for(server.wait_closed(), HANG_SECONDS)
        assert server.connections == set()


# Closing


@pytest.mark.parametrize("handler", [echo, Echo])
async def test_closing_says_1001_to_everybody(handler: Any) -> None:
    server = await server_for(handler)
    clients = [await connect(uri_of(server)) for _ in range(3)]
    server.close()
    server.close()
    await server.wait_closed()
    await server.wait_closed()
    for ws in clients:
        with pytest.raises(ConnectionClosedOK):
            await ws.recv()
        assert ws.close_code == 1001
    assert server.connections == set()


async def test_closing_may_say_something_else() -> None:
    server = await server_for()
    ws = await connect(uri_of(server))
    server.close(code=1012, reason="new version")
    await server.wait_closed()
    await ws.wait_closed()
    assert (ws.close_code, ws.close_reason) == (1012, "new version")


async def test_closing_may_let_conversations_go_on() -> None:
    server = await server_for()
    port = port_of(server)
    ws = await connect(uri_of(server))
    server.close(close_connections=False)
    await asyncio.sleep(0)
    with pytest.raises(OSError):
        await connect(f"ws://127.0.0.1:{port}/")
    await check_echo(ws)
    await ws.close()
    await server.wait_closed()


async def test_a_server_that_closes_closes_its_entrance(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[object] = []

    class Door:
        reception = None

        def close(self) -> None:
            closed.append(self)

    door = Door()
    monkeypatch.setattr("trunkline.server.serve.open_entrance", lambda *arguments: door)
    async with server_for():
        assert not closed
    assert closed == [door]


async def test_a_server_that_never_started_closes_too() -> None:
    server = server_for()
    server.close()
    await server.wait_closed()


async def test_a_closed_server_stays_closed() -> None:
    server = server_for()
    async with server:
        pass
    with pytest.raises(InvalidState, match="the server has been closed"):
        await server
    await server.serve_forever()


async def test_a_server_that_is_closed_while_it_starts_does_not_listen() -> None:
    server = server_for()
    starting = asyncio.ensure_future(server.start_serving())
    await asyncio.sleep(0)
    server.close()
    with pytest.raises(InvalidState, match="the server has been closed"):
        await starting
    await server.wait_closed()
    assert list(server.sockets) == []


class SlowHandshake:
    """A TLS client that can be stopped before its last word."""

    def __init__(
        self,
        context: ssl.SSLContext,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname="localhost")
        self._reader = reader
        self._writer = writer

    def flush(self) -> None:
        self._writer.write(self._outgoing.read())

    async def read(self, step: Callable[[], Any]) -> Any:
        """Feed what arrives, until `step` has enough."""
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                data = await self._reader.read(65536)
                assert data, "the server has hung up"
                self._incoming.write(data)

    async def begin(self) -> None:
        with pytest.raises(ssl.SSLWantReadError):
            self._tls.do_handshake()
        self.flush()
        await self.read(self._tls.do_handshake)

    async def receive(self) -> bytes:
        data: bytes = await self.read(lambda: self._tls.read(65536))
        return data


async def test_who_comes_in_while_the_server_closes_gets_503(
    server_context: ssl.SSLContext, client_context: ssl.SSLContext
) -> None:
    server = await server_for(ssl=server_context)
    async with visit(server) as (reader, writer):
        client = SlowHandshake(client_context, reader, writer)
        await client.begin()
        server.close()
        await server.wait_closed()
        client.flush()
        answer = await client.receive()
    assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert answer.endswith(b"\r\n\r\nthe server is shutting down\n")
    assert b"\r\nRetry-After: 5\r\n" in answer


async def test_a_handler_that_swallows_cancellation_does_not_keep_the_server(
    caplog: pytest.LogCaptureFixture,
) -> None:
    release = asyncio.Event()

    async def stubborn(ws: ServerConnection) -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    async with server_for(stubborn, close_timeout=SHORT_SECONDS) as server:
        ws = await connect(uri_of(server))
    assert "handlers that ignore their cancellation: 1" in caplog.messages
    release.set()
    await ws.wait_closed()


async def test_a_client_that_never_answers_is_cut_off() -> None:
    server = await server_for(close_timeout=SHORT_SECONDS)
    async with visit(server) as (reader, writer):
        writer.write(request())
        await reader.readuntil(b"\r\n\r\n")
        server.close()
        await server.wait_closed()
    assert server.connections == set()


# Serving forever


async def test_serving_forever_ends_when_the_server_is_closed() -> None:
    server = server_for()
    serving = asyncio.ensure_future(server.serve_forever())
    await server.start_serving()
    async with connect(uri_of(server)) as ws:
        await check_echo(ws)
    server.close()
    async with asyncio.timeout(HANG_SECONDS):
        await serving


async def test_cancelling_it_closes_the_server_in_good_order() -> None:
    server = server_for()
    serving = asyncio.ensure_future(server.serve_forever())
    await server.start_serving()
    ws = await connect(uri_of(server))
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    with pytest.raises(ConnectionClosed):
        await ws.recv()
    assert ws.close_code == 1001


async def test_serving_ends_even_when_every_task_is_cancelled_at_once() -> None:
    """What `asyncio.run()` does at its end, to a server that is closing already."""
    server = server_for()
    serving = asyncio.ensure_future(server.serve_forever())
    await server.start_serving()
    ws = await connect(uri_of(server))
    server.close()
    await asyncio.sleep(0)
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    async with asyncio.timeout(HANG_SECONDS):
        await asyncio.wait(tasks)
    assert serving.cancelled()
    await ws.wait_closed()


async def test_somebody_else_may_decide_about_requests() -> None:
    async with guarded(Doorkeeper) as server:
        answer = await ask(server, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert answer.status_code == 200


OPENING = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


async def test_who_was_accepted_may_come_in_after_the_address_was_given_up() -> None:
    server = server_for()
    server.stop_accepting()
    async with server:
        port = port_of(server)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(OPENING[:10])
        while not server._watch.openings:
            await asyncio.sleep(0)
        server.stop_accepting()
        assert not server.is_serving()
        with socket.create_server(("127.0.0.1", port)):
            writer.write(OPENING[10:])
            assert (await reader.readline()).startswith(b"HTTP/1.1 101")
        writer.close()
        await writer.wait_closed()
