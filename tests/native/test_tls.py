"""TLS of the native engine, with OpenSSL called directly and through the SSLObject, against a peer
whose records a test holds in its hands."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from tests.engines.ear import (
    HANG,
    WRITE_LIMIT,
    End,
    Harbour,
    authority,
    client_context,
    server_context,
    server_tls,
)
from trunkline import native
from trunkline.engines.asyncio_engine import AsyncioEngine
from trunkline.engines.engine import Address, Tls

if not native.AVAILABLE:
    pytest.skip(str(native.WHY_NOT), allow_module_level=True)

from trunkline.engines.native_engine import NativeEngine
from trunkline.native import tls as native_tls
from trunkline.native.stream import Stream as NativeStream

LARGE = bytes(range(256)) * 32 * 1024
"""8 MiB, which no socket buffer of loopback takes at once."""

SSL_KEY_UPDATE_REQUESTED = 1
SSL_POINTER_OFFSET = object.__basicsize__ + ctypes.sizeof(ctypes.c_void_p)


class Peer:
    """A TLS client on a socket, which can also do what the ssl module cannot."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, **options: Any) -> None:
        self.sock = sock
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(
            self.incoming, self.outgoing, server_hostname="localhost", **options
        )

    async def flush(self, piece: int = 1 << 20) -> None:
        """Send what is written, cut into pieces."""
        data = self.outgoing.read()
        loop = asyncio.get_running_loop()
        for start in range(0, len(data), piece):
            await loop.sock_sendall(self.sock, data[start : start + piece])
            if piece < len(data):
                await asyncio.sleep(0)

    async def run(self, step: Callable[[], Any], piece: int = 1 << 20) -> Any:
        """Take a step, as often as more has arrived."""
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                await self.flush(piece)
            else:
                await self.flush(piece)
                return result
            data = await asyncio.get_running_loop().sock_recv(self.sock, 65536)
            if data:
                self.incoming.write(data)
            else:
                self.incoming.write_eof()

    async def handshake(self, piece: int = 1 << 20) -> None:
        await self.run(self.tls.do_handshake, piece)

    async def send(self, data: bytes, piece: int = 1 << 20) -> None:
        for start in range(0, len(data), 16384):
            self.tls.write(data[start : start + 16384])
        await self.flush(piece)

    async def receive(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            some = await self.run(lambda: self.tls.read(size))
            assert some, "the stream has ended"
            data += some
        return data

    def call(self, name: str, *arguments: int) -> int:
        """Call a function of OpenSSL that the ssl module does not have."""
        import _ssl

        function = getattr(ctypes.CDLL(_ssl.__file__), name)
        function.argtypes = [ctypes.c_void_p] + [ctypes.c_int] * len(arguments)
        pointer = ctypes.c_void_p.from_address(id(self.tls._sslobj) + SSL_POINTER_OFFSET)  # type: ignore[attr-defined]
        return int(function(pointer.value, *arguments))


@pytest.fixture(params=["borrowed", "memory"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Speak TLS in each of the two ways."""
    is_borrowing = request.param == "borrowed"
    if is_borrowing and native_tls.WHY_NOT_BORROWED is not None:
        pytest.skip(native_tls.WHY_NOT_BORROWED)
    monkeypatch.setattr(native_tls, "is_borrowing", is_borrowing)
    return str(request.param)


@pytest.fixture
async def engine() -> AsyncIterator[NativeEngine]:
    engine = NativeEngine(asyncio.get_running_loop())
    yield engine
    engine.close()


async def listen(engine: NativeEngine, tls: Tls | None) -> Harbour:
    harbour = Harbour(cast(AsyncioEngine, engine))
    await harbour.open(Address(host="127.0.0.1", port=0), tls)
    return harbour


@pytest.fixture
async def harbour(way: str, engine: NativeEngine) -> AsyncIterator[Harbour]:
    harbour = await listen(engine, server_tls())
    async with asyncio.timeout(HANG):
        yield harbour
    harbour.listener.close()


def connect(harbour: Harbour, context: ssl.SSLContext | None = None, **options: Any) -> Peer:
    sock = socket.create_connection(("127.0.0.1", harbour.address.port or 0))
    sock.setblocking(False)
    return Peer(sock, context or client_context(), **options)


async def meet(harbour: Harbour, context: ssl.SSLContext | None = None) -> tuple[Peer, End]:
    peer = connect(harbour, context)
    await peer.handshake()
    return peer, await harbour.accepted()


async def part(peer: Peer, server: End) -> None:
    peer.sock.close()
    server.stream.abort()
    await server.ear.until_lost()


def is_longer(data: bytearray, size: int) -> bool:
    return len(data) > size


class Wrapped:
    """Stands for the objects of other TLS libraries; remembers how often it was asked for bytes."""

    def __init__(self, real: ssl.SSLObject) -> None:
        self._real, self._sslobj = real, object()
        self.reads = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def read(self, *arguments: Any) -> Any:
        self.reads += 1
        return self._real.read(*arguments)


def tls_of_another_kind() -> Tls:
    class Context(ssl.SSLContext):
        def wrap_bio(self, *args: Any, **options: Any) -> Any:
            return Wrapped(super().wrap_bio(*args, **options))

    context = Context(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert("localhost").configure_cert(context)
    return Tls(context=context, handshake_timeout=HANG)


def tls_1_2() -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority().configure_trust(context)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def leave_error_behind() -> None:
    """Fail inside of OpenSSL, and do not look why: as a careless extension does."""
    import _ssl

    library = ctypes.CDLL(_ssl.__file__)
    assert library.BIO_new_file(b"/does/not/exist", b"r") == 0
    assert library.ERR_peek_last_error() != 0


def reset(sock: socket.socket) -> None:
    """Close with RST: there is no lingering (RFC 9293 §3.10.4)."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


# The two ways


async def test_the_way_is_the_one_that_was_asked_for(harbour: Harbour, way: str) -> None:
    peer, server = await meet(harbour)
    assert native_tls.is_borrowed(cast(NativeStream, server.stream)) is (way == "borrowed")
    await part(peer, server)


async def test_a_plain_stream_has_no_way(engine: NativeEngine) -> None:
    plain = await listen(engine, None)
    client, server = await plain.pair()
    assert native_tls.is_borrowed(cast(NativeStream, client.stream)) is None
    for end in (client, server):
        end.stream.abort()
        await end.ear.until_lost()
    plain.listener.close()


async def test_an_object_of_another_kind_is_not_borrowed(engine: NativeEngine) -> None:
    harbour = await listen(engine, tls_of_another_kind())
    peer, server = await meet(harbour)
    assert native_tls.is_borrowed(cast(NativeStream, server.stream)) is False
    await peer.send(b"hello")
    await server.ear.until_data(b"hello")
    await part(peer, server)
    harbour.listener.close()


# Bytes


@pytest.mark.parametrize("make_context", [client_context, tls_1_2])
async def test_bytes_go_both_ways(
    harbour: Harbour, make_context: Callable[[], ssl.SSLContext]
) -> None:
    peer, server = await meet(harbour, make_context())
    await peer.send(b"question")
    await server.ear.until_data(b"question")
    server.stream.write(b"answer")
    assert await peer.receive(6) == b"answer"
    assert (server.stream.sent, server.stream.unsent) == (6, 0)
    await part(peer, server)


async def test_every_byte_may_arrive_alone(harbour: Harbour) -> None:
    peer = connect(harbour)
    await peer.handshake(piece=1)
    server = await harbour.accepted()
    await peer.send(b"one by one", piece=1)
    await server.ear.until_data(b"one by one")
    await part(peer, server)


async def test_bytes_right_behind_the_handshake_are_not_lost(harbour: Harbour) -> None:
    peer = connect(harbour)
    with pytest.raises(ssl.SSLWantReadError):
        peer.tls.do_handshake()
    await peer.flush()
    hello = await asyncio.get_running_loop().sock_recv(peer.sock, 65536)
    peer.incoming.write(hello)
    peer.tls.do_handshake()
    # The end of the handshake, what follows it, and half of what follows that arrive at once.
    peer.tls.write(b"first ")
    whole = peer.outgoing.read()
    peer.tls.write(b"second")
    second = peer.outgoing.read()
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(peer.sock, whole + second[:10])
    server = await harbour.accepted()
    await server.ear.until(lambda: server.ear.data == b"first ")
    await loop.sock_sendall(peer.sock, second[10:])
    await server.ear.until_data(b"first second")
    await part(peer, server)


async def test_a_large_message_goes_both_ways(harbour: Harbour) -> None:
    peer, server = await meet(harbour)
    await peer.send(LARGE)
    await server.ear.until(lambda: len(server.ear.data) == len(LARGE))
    assert server.ear.data == LARGE
    server.stream.write(LARGE)
    server.stream.write(b"behind it")
    assert await peer.receive(len(LARGE) + 9) == LARGE + b"behind it"
    await part(peer, server)


async def test_nobody_asks_for_more_where_nothing_waits(engine: NativeEngine) -> None:
    harbour = await listen(engine, tls_of_another_kind())
    peer, server = await meet(harbour)
    wrapped = server.stream.get_extra_info("ssl_object")
    for number in range(3):
        await peer.send(b"%d" % number)
        await server.ear.until_data(b"012"[: number + 1])
        assert wrapped.reads == number + 1
    await part(peer, server)
    harbour.listener.close()


async def test_records_that_wait_are_not_those_of_others(harbour: Harbour) -> None:
    slow, waiting = await meet(harbour)
    waiting.stream.write(b"a first one, which leaves its room to others")
    waiting.stream.write(LARGE)
    assert waiting.stream.unsent > 0
    quick, other = await meet(harbour)
    for data in (b"room of its own", b"the room of the one before"):
        other.stream.write(data)
        assert await quick.receive(len(data)) == data
    assert await slow.receive(44) == b"a first one, which leaves its room to others"
    assert await slow.receive(len(LARGE)) == LARGE
    await part(slow, waiting)
    await part(quick, other)


async def test_a_slow_reader_makes_writing_pause_and_loses_nothing(harbour: Harbour) -> None:
    peer, server = await meet(harbour)
    server.stream.write(LARGE)
    for number in range(100):
        server.stream.write(b"%03d" % number)
    assert server.stream.is_writing_paused and server.stream.unsent > WRITE_LIMIT
    tail = b"".join(b"%03d" % number for number in range(100))
    assert await peer.receive(len(LARGE) + len(tail)) == LARGE + tail
    await server.ear.until(lambda: server.ear.resumed == 1)
    assert not server.stream.is_writing_paused
    await part(peer, server)


async def test_what_was_decrypted_waits_while_reading_is_paused(harbour: Harbour) -> None:
    peer, server = await meet(harbour)
    server.ear.when_received = lambda _: server.stream.pause_reading()
    data = LARGE[: 1024 * 1024]
    sending = asyncio.create_task(peer.send(data))
    received = 0
    while received < len(data):
        await server.ear.until(partial(is_longer, server.ear.data, received))
        reads, received = server.ear.reads, len(server.ear.data)
        await asyncio.sleep(0)
        assert server.ear.reads == reads
        server.stream.resume_reading()
    await sending
    assert server.ear.data == data
    await part(peer, server)


async def test_an_error_that_somebody_else_left_behind_is_not_ours(
    harbour: Harbour, way: str
) -> None:
    if way == "memory":
        pytest.skip("the ssl module takes such an error for its own")
    peer, server = await meet(harbour)
    peer.tls.write(b"first ")
    first = peer.outgoing.read()
    peer.tls.write(b"second")
    second = peer.outgoing.read()
    leave_error_behind()
    peer.sock.send(first + second[:10])
    await server.ear.until(lambda: server.ear.data == b"first ")
    leave_error_behind()
    peer.sock.send(second[10:])
    await server.ear.until_data(b"first second")
    await part(peer, server)


# Records that are not data


async def test_keys_are_updated_on_request(harbour: Harbour) -> None:
    peer, server = await meet(harbour)
    for number in range(3):
        assert peer.call("SSL_key_update", SSL_KEY_UPDATE_REQUESTED) == 1
        await peer.send(b"%d" % number)
    await server.ear.until_data(b"012")
    server.stream.write(b"with a new key")
    assert await peer.receive(14) == b"with a new key"
    await part(peer, server)


async def test_renegotiation_is_refused(harbour: Harbour) -> None:
    peer, server = await meet(harbour, tls_1_2())
    assert peer.call("SSL_renegotiate") == 1
    with pytest.raises(ssl.SSLError):
        await peer.run(peer.tls.do_handshake)
    await part(peer, server)


async def test_the_options_of_the_context_are_left_alone(harbour: Harbour) -> None:
    options = server_context().options
    assert not options & ssl.OP_NO_RENEGOTIATION
    await part(*(await meet(harbour)))
    assert server_context().options == options


async def test_a_broken_record_is_a_loss_by_an_error_and_an_alert(harbour: Harbour) -> None:
    peer, server = await meet(harbour)
    peer.tls.write(b"good")
    good = peer.outgoing.read()
    peer.tls.write(b"bad")
    bad = bytearray(peer.outgoing.read())
    bad[-1] ^= 1
    await asyncio.get_running_loop().sock_sendall(peer.sock, good + bad)
    error = await server.ear.until_lost()
    assert server.ear.data == b"good"
    assert isinstance(error, ssl.SSLError)
    assert "bad record mac" in str(error).lower()
    with pytest.raises(ssl.SSLError, match=r"(?i)bad record mac"):
        await peer.receive(1)
    peer.sock.close()


# The end


async def test_close_notify_is_an_end_in_peace(harbour: Harbour) -> None:
    peer, server = await meet(harbour)
    peer.tls.write(b"goodbye")
    with pytest.raises(ssl.SSLWantReadError):
        peer.tls.unwrap()
    await peer.flush()
    await server.ear.until_end()
    assert server.ear.data == b"goodbye"
    assert await server.ear.until_lost() is None
    await peer.run(peer.tls.unwrap)
    peer.sock.close()


async def test_an_end_without_close_notify_is_a_loss_by_an_error(harbour: Harbour) -> None:
    peer, server = await meet(harbour)
    await peer.send(b"what was there")
    peer.sock.shutdown(socket.SHUT_WR)
    error = await server.ear.until_lost()
    assert isinstance(error, ssl.SSLEOFError)
    assert "without close_notify" in str(error)
    assert bytes(server.ear.data) == b"what was there"
    assert not server.ear.has_ended
    peer.sock.close()


async def test_a_reset_is_a_loss_by_an_error(harbour: Harbour) -> None:
    peer, server = await meet(harbour)
    address = peer.sock.getsockname()
    reset(peer.sock)
    assert isinstance(await server.ear.until_lost(), ConnectionResetError)
    # The kernel has forgotten it by now.
    assert server.stream.get_extra_info("peername") == address


async def test_a_close_sends_everything_and_close_notify(harbour: Harbour) -> None:
    peer, server = await meet(harbour)
    server.stream.write(LARGE)
    server.stream.close()
    assert await peer.receive(len(LARGE)) == LARGE
    assert await peer.run(lambda: peer.tls.read(1)) == b""
    peer.sock.close()
    assert await server.ear.until_lost() is None


async def test_a_close_does_not_wait_for_a_peer_for_ever(harbour: Harbour) -> None:
    peer, server = await meet(harbour)
    server.stream.close()
    # The peer says nothing; its socket stays open until the end of the test.
    assert await server.ear.until_lost() is None
    peer.sock.close()


async def test_reading_goes_on_when_writing_has_ended(harbour: Harbour) -> None:
    peer, server = await meet(harbour)
    server.stream.write(b"that is all")
    server.stream.end_writing()
    assert await peer.receive(11) == b"that is all"
    await peer.send(b"one thing more")
    await server.ear.until_data(b"one thing more")
    assert await peer.run(lambda: peer.tls.read(1)) == b""
    await peer.run(peer.tls.unwrap)
    assert await server.ear.until_lost() is None
    peer.sock.close()


# The handshake


async def test_a_reset_in_the_handshake_reaches_no_receiver(harbour: Harbour) -> None:
    peer = connect(harbour)
    with pytest.raises(ssl.SSLWantReadError):
        peer.tls.do_handshake()
    await peer.flush()
    reset(peer.sock)
    await part(*(await meet(harbour)))


async def test_a_failed_handshake_tells_the_peer_why(harbour: Harbour) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority().configure_trust(context)
    context.set_alpn_protocols([])
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES128-SHA256")  # without forward secrecy: refused by the defaults
    peer = connect(harbour, context)
    with pytest.raises(ssl.SSLError, match=r"(?i)handshake failure"):
        await peer.handshake()
    peer.sock.close()


async def test_a_context_that_is_chosen_by_name_and_a_key_log_are_honoured(
    way: str, engine: NativeEngine, tmp_path: Path
) -> None:
    names: list[str | None] = []

    def choose(_: ssl.SSLObject, name: str | None, __: ssl.SSLContext) -> None:
        names.append(name)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert("localhost").configure_cert(context)
    context.sni_callback = choose
    context.keylog_filename = str(tmp_path / "keys")
    context.set_alpn_protocols(["http/1.1"])
    harbour = await listen(engine, Tls(context=context, handshake_timeout=HANG))
    offering = ssl.create_default_context()
    authority().configure_trust(offering)
    offering.set_alpn_protocols(["h2", "http/1.1"])
    peer, server = await meet(harbour, offering)
    await peer.send(b"hello")
    await server.ear.until_data(b"hello")
    assert names == ["localhost"]
    assert "SERVER_TRAFFIC_SECRET_0" in (tmp_path / "keys").read_text()
    assert peer.tls.selected_alpn_protocol() == "http/1.1"
    known = server.stream.get_extra_info
    assert known("ssl_object").selected_alpn_protocol() == "http/1.1"
    assert known("sslcontext") is context
    assert (known("peercert"), known("compression"), known("nothing")) == (None, None, None)
    assert known("cipher") == known("ssl_object").cipher()
    await part(peer, server)
    harbour.listener.close()


async def test_an_error_in_a_callback_fails_only_its_handshake(
    way: str, engine: NativeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    unraisable: list[BaseException | None] = []
    monkeypatch.setattr("sys.unraisablehook", lambda args: unraisable.append(args.exc_value))

    def refuse(*_: object) -> None:
        raise LookupError("no such name")

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert("localhost").configure_cert(context)
    context.sni_callback = refuse
    harbour = await listen(engine, Tls(context=context, handshake_timeout=HANG))
    peer = connect(harbour)
    with pytest.raises(ssl.SSLError, match=r"(?i)handshake failure"):
        await peer.handshake()
    assert [type(error) for error in unraisable] == [LookupError]
    peer.sock.close()
    context.sni_callback = None
    await part(*(await meet(harbour)))
    harbour.listener.close()


async def test_a_session_is_resumed(harbour: Harbour) -> None:
    peer, server = await meet(harbour)
    server.stream.write(b"x")
    await peer.receive(1)  # the tickets stand before it
    session = peer.tls.session
    await part(peer, server)
    again = connect(harbour, session=session)
    await again.handshake()
    assert again.tls.session_reused
    await part(again, await harbour.accepted())


async def test_a_session_of_ours_can_be_kept(harbour: Harbour) -> None:
    client, server = await harbour.pair()
    server.stream.write(b"x")
    await client.ear.until_data(b"x")
    assert client.stream.get_extra_info("ssl_object").session.has_ticket
    for end in (client, server):
        end.stream.abort()
        await end.ear.until_lost()


async def test_a_user_who_reads_the_ssl_object_breaks_nothing(harbour: Harbour) -> None:
    peer, server = await meet(harbour)
    with pytest.raises(ssl.SSLWantReadError):
        server.stream.get_extra_info("ssl_object").read(1)
    await peer.send(b"still here")
    await server.ear.until_data(b"still here")
    await part(peer, server)


async def test_an_ssl_object_outlives_its_stream(harbour: Harbour) -> None:
    peer, server = await meet(harbour)
    ssl_object = server.stream.get_extra_info("ssl_object")
    await part(peer, server)
    server.stream = cast(Any, None)
    gc.collect()
    assert ssl_object.version() == "TLSv1.3"
    with pytest.raises(ssl.SSLError):
        ssl_object.read(1)


def resident_bytes() -> int:
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGESIZE")


async def test_many_handshakes_leave_nothing(harbour: Harbour) -> None:
    async def some(count: int) -> None:
        for _ in range(count):
            peer, server = await meet(harbour)
            await part(peer, server)

    await some(300)  # pools fill
    gc.collect()
    descriptors, resident = len(os.listdir("/proc/self/fd")), resident_bytes()
    await some(1000)
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == descriptors
    # A connection holds more than 10 kB: one of a hundred that stayed would show.
    assert resident_bytes() - resident < 1024 * 1024


async def test_tls_goes_through_tls(way: str, engine: NativeEngine) -> None:
    """As through a proxy that speaks TLS itself."""
    inner = await listen(engine, server_tls())
    outer = await listen(engine, server_tls())
    client = await outer.connect()
    relay = await outer.accepted()
    onward = await inner.connect(tls=None)
    relay.ear.when_received = onward.stream.write
    onward.ear.when_received = relay.stream.write
    options = Tls(context=client_context(), server_hostname="localhost", handshake_timeout=HANG)
    await engine.start_tls(client.stream, options)
    server = await inner.accepted()
    client.stream.write(LARGE)
    await server.ear.until(lambda: len(server.ear.data) == len(LARGE))
    assert server.ear.data == LARGE
    server.stream.write(LARGE)
    await client.ear.until(lambda: len(client.ear.data) == len(LARGE))
    assert client.ear.data == LARGE
    for end in (client, server, relay, onward):
        end.stream.abort()
        await end.ear.until_lost()
    for harbour in (inner, outer):
        harbour.listener.close()
