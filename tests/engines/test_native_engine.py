"""The engine on epoll: what it is beyond the contract, on both loops.

The contract of every engine is tests/contracts/test_engine.py.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
import struct
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.twins import needs
from tests.engines.ear import (
    HANG,
    WRITE_LIMIT,
    Ear,
    End,
    Harbour,
    client_context,
    client_tls,
    server_context,
    server_tls,
)
from tests.engines.foundlings import meeting
from tests.engines.porter import HEADER, meet
from trunkline import native
from trunkline.engines.asyncio_engine import AcceptedStream
from trunkline.engines.engine import Address, Stream, Tls
from trunkline.limits import ACCEPT_RETRY

if native.AVAILABLE:
    from trunkline.engines.native_engine import (
        NativeEngine,
        NativeListener,
        _is_an_engine,
        connect_path,
        path_of,
    )
    from trunkline.native.stream import Stream as NativeStream

pytestmark = needs("stream")

LOOPBACK = Address(host="127.0.0.1", port=0)


@pytest.fixture
async def engine() -> AsyncIterator[Any]:
    engine = NativeEngine(asyncio.get_running_loop())
    yield engine
    engine.close()


@pytest.fixture(params=["tcp", "unix", "abstract"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Address:
    """Name a place to listen at."""
    match request.param:
        case "tcp":
            return LOOPBACK
        case "unix":
            return Address(path=str(tmp_path / "socket"))
    return Address(path=f"\0trunkline tests {os.getpid()}")


async def open_harbour(engine: Any, place: Address) -> Harbour:
    harbour = Harbour(engine)
    await harbour.open(place)
    return harbour


async def exchange(harbour: Harbour) -> tuple[End, End]:
    """Open a stream, and say something both ways."""
    client, server = await harbour.pair()
    client.stream.write(b"ping")
    await server.ear.until_data(b"ping")
    server.stream.write(b"pong")
    await client.ear.until_data(b"pong")
    return client, server


async def end(*ends: End) -> None:
    for one in ends:
        one.stream.abort()
    for one in ends:
        await one.ear.until_lost()


# Streams


async def test_streams_are_native_wherever_they_lead(engine: Any, place: Address) -> None:
    harbour = await open_harbour(engine, place)
    client, server = await exchange(harbour)
    assert type(client.stream) is type(server.stream) is NativeStream
    assert len(engine.poller) == 3  # with the listening socket
    await end(client, server)
    harbour.listener.close()
    assert len(engine.poller) == 0


async def test_its_one_descriptor_is_idle_while_its_set_is_empty(engine: Any) -> None:
    assert engine.idle_descriptors == 1
    harbour = await open_harbour(engine, LOOPBACK)
    assert engine.idle_descriptors == 0
    harbour.listener.close()
    assert engine.idle_descriptors == 1
    engine.close()
    assert engine.idle_descriptors == 0


async def test_a_given_socket_becomes_a_stream(engine: Any) -> None:
    mine, peer = socket.socketpair()
    with peer:
        ear = Ear()
        address = Address(sock=mine)
        stream = await engine.connect(address, ear, tls=None, write_limit=WRITE_LIMIT)
        assert mine.fileno() == -1  # the stream owns the descriptor
        peer.sendall(b"x")
        await ear.until_data(b"x")
        await end(End(stream, ear))
        assert peer.recv(1) == b""


async def test_it_is_an_engine(engine: Any) -> None:
    assert _is_an_engine(engine) is engine


async def test_what_is_called_soon_is_called_in_the_next_round(engine: Any) -> None:
    calls: list[str] = []
    engine.call_soon(lambda: calls.append("soon"))
    assert calls == []
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert calls == ["soon"]


async def test_the_clock_is_that_of_the_set(engine: Any) -> None:
    before = time.monotonic()
    assert before <= engine.now() <= time.monotonic()


async def test_of_several_wishes_to_look_busily_the_longest_counts(engine: Any) -> None:
    assert engine.poller.busy_poll == 0
    for wish in (0.001, 0.002, 0.0005):
        engine.poll_busily(wish)
    assert engine.poller.busy_poll == 0.002
    harbour = await open_harbour(engine, LOOPBACK)
    client, server = await exchange(harbour)
    await end(client, server)
    harbour.listener.close()


async def test_a_closed_engine_closes_its_streams_and_tells_nobody(engine: Any) -> None:
    harbour = await open_harbour(engine, LOOPBACK)
    client, server = await exchange(harbour)
    engine.close()
    await asyncio.sleep(0)
    assert not client.ear.losses and not server.ear.losses
    with pytest.raises(OSError, match="Bad file descriptor"):
        await harbour.connect()
    harbour.listener.close()
    engine.close()


# TLS


@pytest.fixture
async def secure(engine: Any) -> AsyncIterator[Harbour]:
    harbour = Harbour(engine)
    await harbour.open(LOOPBACK, server_tls())
    yield harbour
    harbour.listener.close()


async def test_tls_is_spoken_both_ways(secure: Harbour) -> None:
    client, server = await exchange(secure)
    assert type(client.stream) is type(server.stream) is NativeStream
    assert client.stream.get_extra_info("ssl_object") is not None
    await end(client, server)


async def test_tls_is_laid_over_an_open_stream(secure: Harbour) -> None:
    client = await secure.connect(tls=None)
    await secure.engine.start_tls(client.stream, client_tls())
    server = await secure.accepted()
    client.stream.write(b"secret")
    await server.ear.until_data(b"secret")
    await end(client, server)


@pytest.mark.parametrize("hello", [True, False])
async def test_tls_is_answered_behind_something_else(engine: Any, hello: bool) -> None:
    harbour = await open_harbour(engine, LOOPBACK)
    caller, porter = await meet(harbour)
    if hello:
        caller.stream.write(HEADER + caller.hello())
        caller.stream.write(await caller.last_flight(b"question"))
        await porter.ear.until_data(b"question")
        assert porter.seen == ["secure", "received"]
    else:
        caller.stream.write(HEADER + b"this is not TLS")
        assert isinstance(await porter.ear.until_lost(), ssl.SSLError)
    await porter.let_go(caller)
    harbour.listener.close()


async def test_a_certificate_that_is_not_trusted_ends_the_stream_and_its_receiver_hears(
    secure: Harbour,
) -> None:
    client = await secure.connect(tls=None)
    distrust = Tls(context=ssl.create_default_context(), server_hostname="localhost")
    with pytest.raises(ssl.SSLCertVerificationError):
        await secure.engine.start_tls(client.stream, distrust)
    await client.ear.until_lost()
    with pytest.raises(ssl.SSLCertVerificationError):
        await secure.connect(tls=distrust)


async def test_a_context_for_the_other_side_is_refused(secure: Harbour) -> None:
    wrong = Tls(context=server_context())
    with pytest.raises(ssl.SSLError):
        await secure.connect(tls=wrong)


async def test_a_handshake_that_is_cancelled_ends_the_stream(engine: Any) -> None:
    harbour = await open_harbour(engine, LOOPBACK)  # never answers
    client = await harbour.connect()
    securing = asyncio.create_task(engine.start_tls(client.stream, client_tls()))
    server = await harbour.accepted()
    await server.ear.until(lambda: bool(server.ear.data))
    securing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await securing
    await client.ear.until_lost()
    await server.ear.until_end()
    await end(server)
    harbour.listener.close()


async def test_a_client_that_speaks_no_tls_is_never_heard_of(secure: Harbour) -> None:
    client = await secure.connect(tls=None)
    client.stream.write(b"GET / HTTP/1.1\r\n\r\n")
    await client.ear.until(lambda: client.ear.has_ended or bool(client.ear.losses))
    await exchange(secure)


async def test_a_server_with_a_context_of_clients_says_so_for_each_connection(
    engine: Any,
) -> None:
    told: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    handler = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, context: told.append(context))
    harbour = Harbour(engine)
    await harbour.open(LOOPBACK, Tls(context=client_context()))
    client = await harbour.connect(tls=None)
    await client.ear.until_end()
    assert [type(context["exception"]) for context in told] == [ssl.SSLError]
    await end(client)
    harbour.listener.close()
    loop.set_exception_handler(handler)


# Unix sockets


async def test_nobody_at_a_path_is_an_os_error_and_leaves_nothing(
    engine: Any, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError):
        await connect_path(asyncio.get_running_loop(), str(tmp_path / "nobody"))


async def test_a_path_goes_with_its_listener(engine: Any, tmp_path: Path) -> None:
    path = tmp_path / "socket"
    harbour = await open_harbour(engine, Address(path=str(path)))
    assert path.is_socket()
    harbour.listener.close()
    assert not path.exists()
    harbour.listener.close()


async def test_a_path_that_is_gone_already_does_no_harm(engine: Any, tmp_path: Path) -> None:
    path = tmp_path / "socket"
    harbour = await open_harbour(engine, Address(path=str(path)))
    path.unlink()
    harbour.listener.close()


async def test_a_path_that_a_successor_has_taken_over_stays(engine: Any, tmp_path: Path) -> None:
    address = Address(path=str(tmp_path / "socket"))
    old = await open_harbour(engine, address)
    os.unlink(str(address.path))
    new = await open_harbour(engine, address)
    old.listener.close()
    client, server = await exchange(new)
    await end(client, server)
    new.listener.close()


def test_only_what_is_in_the_file_system_has_a_path(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        assert path_of(sock) is None
        sock.bind(b"\0trunkline tests")
        assert path_of(sock) is None
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(tmp_path / "socket"))
        path = path_of(sock)
        assert path is not None and path.path == str(tmp_path / "socket")
    with socket.socket() as sock:
        assert path_of(sock) is None


# Listening


async def test_nobody_is_accepted_before_the_start_and_starting_twice_is_once(engine: Any) -> None:
    listener = await engine.listen(LOOPBACK, lambda _: Ear(), tls=None, write_limit=WRITE_LIMIT)
    assert len(listener.sockets) == 1
    assert len(engine.poller) == 0
    await listener.start()
    await listener.start()
    assert len(engine.poller) == 1
    listener.close()
    assert listener.sockets == ()


async def test_a_listener_may_be_started_twice_at_once(engine: Any) -> None:
    listener = await engine.listen(LOOPBACK, lambda _: Ear(), tls=None, write_limit=WRITE_LIMIT)
    await asyncio.gather(listener.start(), listener.start())
    assert len(engine.poller) == 1
    listener.close()


async def test_whoever_closes_during_the_start_is_heard(engine: Any) -> None:
    listener = await engine.listen(LOOPBACK, lambda _: Ear(), tls=None, write_limit=WRITE_LIMIT)
    starting = asyncio.create_task(listener.start())
    await asyncio.sleep(0)
    listener.close()
    await starting
    assert len(engine.poller) == 0


async def test_an_accept_that_fails_is_told_once_and_the_next_is_accepted(engine: Any) -> None:
    told: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    handler = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, context: told.append(context))
    ears = [Ear()]

    def accept(stream: Stream) -> Ear:
        if not told:
            raise ZeroDivisionError
        stream.write(b"welcome")
        return ears[0]

    listener = await engine.listen(LOOPBACK, accept, tls=None, write_limit=WRITE_LIMIT)
    await listener.start()
    host, port = listener.sockets[0].getsockname()
    refused, welcome = Ear(), Ear()
    address = Address(host=host, port=port)
    refusing = await engine.connect(address, refused, tls=None, write_limit=WRITE_LIMIT)
    await refused.until_end()
    stream = await engine.connect(address, welcome, tls=None, write_limit=WRITE_LIMIT)
    await welcome.until_data(b"welcome")
    assert [type(context["exception"]) for context in told] == [ZeroDivisionError]
    await end(End(refusing, refused), End(stream, welcome))
    await ears[0].until_end()
    listener.close()
    loop.set_exception_handler(handler)


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


async def test_a_stream_that_the_set_refuses_is_lost_and_its_receiver_hears(
    engine: Any, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    ears: list[Ear] = []

    def accept(stream: Stream) -> Ear:
        ears.append(Ear())
        return ears[-1]

    listener = await engine.listen(LOOPBACK, accept, tls=None, write_limit=WRITE_LIMIT)
    # epoll takes no files: it refuses them as it refuses more than the kernel has room for.
    with pytest.raises(PermissionError):
        listener._accepted(os.open(tmp_path / "file", os.O_RDONLY))
    assert await ears[0].until_lost() is None
    listener.close()


async def test_whoever_is_aborted_as_it_is_accepted_is_no_error(engine: Any) -> None:
    ears: list[Ear] = []

    def accept(stream: Stream) -> Ear:
        stream.abort()
        ears.append(Ear())
        return ears[-1]

    listener = await engine.listen(LOOPBACK, accept, tls=None, write_limit=WRITE_LIMIT)
    await listener.start()
    with socket.create_connection(listener.sockets[0].getsockname()) as visitor:
        visitor.setblocking(False)
        assert await asyncio.get_running_loop().sock_recv(visitor, 1) == b""
    assert await ears[0].until_lost() is None
    listener.close()


async def test_a_stream_that_the_set_refuses_later_is_lost_with_its_error(
    engine: Any, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    ear = Ear()
    stream = engine.new_stream(os.open(tmp_path / "file", os.O_RDONLY), ear, WRITE_LIMIT)
    stream.pause_reading()
    stream.open()
    stream.resume_reading()
    assert isinstance(await ear.until_lost(), PermissionError)


class Broken(socket.socket):
    """A socket at which nothing can be listened."""

    def listen(self, backlog: int = 0) -> None:
        raise OSError("no")


async def test_a_start_that_fails_halfway_accepts_nowhere_and_can_be_repeated(
    engine: Any,
) -> None:
    whole, broken = socket.socket(), Broken()
    for sock in (whole, broken):
        sock.bind(("127.0.0.1", 0))
    listener = NativeListener(engine, [whole, broken], lambda _: Ear(), None, WRITE_LIMIT)
    before = open_descriptors()
    for _ in range(2):
        with pytest.raises(OSError, match=r"^no$"):
            await listener.start()
        assert len(engine.poller) == 0
        assert open_descriptors() == before
    listener.close()


async def test_a_start_without_memory_leaves_no_descriptor(
    engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(*_: object) -> None:
        raise MemoryError

    listener = await engine.listen(LOOPBACK, Ear, tls=None, write_limit=WRITE_LIMIT)
    before = open_descriptors()
    with monkeypatch.context() as patch:
        patch.setattr("trunkline.engines.native_engine.ListeningSocket", no_memory)
        with pytest.raises(MemoryError):
            await listener.start()
    assert open_descriptors() == before
    await listener.start()
    assert len(engine.poller) == 1
    listener.close()


async def test_a_descriptor_for_which_no_stream_can_be_made_is_closed(
    engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(*_: object) -> None:
        raise MemoryError

    told: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: told.append(context))
    harbour = await open_harbour(engine, LOOPBACK)
    monkeypatch.setattr(engine, "new_stream", no_memory)
    with socket.socket() as visitor:
        visitor.setblocking(False)
        await loop.sock_connect(visitor, harbour.listener.sockets[0].getsockname())
        assert await loop.sock_recv(visitor, 1) == b""
    assert [type(context["exception"]) for context in told] == [MemoryError]
    harbour.listener.close()
    loop.set_exception_handler(None)


async def test_short_descriptors_are_logged_and_accepting_goes_on_in_a_while(
    engine: Any, caplog: pytest.LogCaptureFixture
) -> None:
    class Wheel:
        calls: list[tuple[float, Any]] = []  # noqa: RUF012

        def call_in(self, delay: float, callback: Any) -> None:
            self.calls.append((delay, callback))

    harbour = await open_harbour(engine, LOOPBACK)
    assert isinstance(harbour.listener, NativeListener)
    engine.timers = Wheel()
    with caplog.at_level(logging.ERROR, "trunkline.engine"):
        harbour.listener._retry(OSError(24, "Too many open files"))
    assert caplog.messages == [
        f"cannot accept a connection: [Errno 24] Too many open files; next try in {ACCEPT_RETRY} s"
    ]
    ((delay, resume),) = Wheel.calls
    assert delay == ACCEPT_RETRY
    resume()
    client, server = await exchange(harbour)
    await end(client, server)
    harbour.listener.close()
    resume()  # late, and in vain
    assert len(engine.poller) == 0


# Nagle


async def test_what_is_accepted_inherits_it(engine: Any) -> None:
    harbour = await open_harbour(engine, LOOPBACK)
    client, server = await exchange(harbour)
    for one in (client, server):
        sock = one.stream.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    await end(client, server)
    harbour.listener.close()


# Ends


async def test_a_reset_while_reading_is_paused_is_found_out_when_somebody_looks(
    engine: Any,
) -> None:
    harbour = await open_harbour(engine, LOOPBACK)
    with socket.create_connection((harbour.address.host, harbour.address.port)) as raw:
        server = await harbour.accepted()
        server.stream.pause_reading()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    while len(engine.poller) == 2:  # until the set is rid of it
        await asyncio.sleep(0)
    assert not server.ear.losses
    server.stream.resume_reading()
    assert isinstance(await server.ear.until_lost(), ConnectionResetError)
    harbour.listener.close()


def test_an_engine_whose_loop_is_over_lets_go() -> None:
    async def talk() -> tuple[Any, socket.socket]:
        engine = NativeEngine(asyncio.get_running_loop())
        mine, peer = socket.socketpair()
        peer.settimeout(HANG)
        await engine.connect(Address(sock=mine), Ear(), tls=None, write_limit=WRITE_LIMIT)
        return engine, peer

    loop = asyncio.new_event_loop()
    engine, peer = loop.run_until_complete(talk())
    loop.close()
    with peer:
        engine.close()
        assert peer.recv(1) == b""


# Transports that somebody else has made


async def test_the_socket_of_a_transport_is_moved_into_the_set(engine: Any) -> None:
    async with meeting() as met:
        moved = met.adopt(engine)
        assert type(moved.stream) is NativeStream
        met.writer.write(b"x")
        moved.stream.resume_reading()
        await moved.ear.until_data(b"x")
        await end(moved)


async def test_a_transport_with_tls_stays_where_it_is(engine: Any) -> None:
    async with meeting(server_context()) as met:
        adopted = met.adopt(engine)
        assert type(adopted.stream) is AcceptedStream
        await end(adopted)


async def test_a_transport_that_has_not_sent_everything_stays_where_it_is(engine: Any) -> None:
    async with meeting() as met:
        met.transport.write(b"x" * (8 << 20))
        adopted = met.adopt(engine)
        assert type(adopted.stream) is AcceptedStream
        await end(adopted)


async def test_a_transport_stays_where_it_is_when_descriptors_are_short(
    engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dup(fd: int) -> int:
        raise OSError(24, "Too many open files")

    async with meeting() as met:
        monkeypatch.setattr(os, "dup", dup)
        adopted = met.adopt(engine)
        assert type(adopted.stream) is AcceptedStream
        await end(adopted)


async def test_a_stream_that_cannot_be_made_leaves_no_descriptor(
    engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def new_stream(*_: object) -> Any:
        raise MemoryError

    async with meeting() as met:
        before = len(os.listdir("/proc/self/fd"))
        monkeypatch.setattr(engine, "new_stream", new_stream)
        with pytest.raises(MemoryError):
            met.adopt(engine)
        assert len(os.listdir("/proc/self/fd")) == before
        met.transport.abort()


async def test_a_transport_that_nobody_takes_is_closed(engine: Any) -> None:
    def refuse(stream: Stream) -> Ear:
        raise LookupError("nobody wants it")

    async with meeting() as met:
        with pytest.raises(LookupError):
            engine.adopt(met.transport, refuse, write_limit=WRITE_LIMIT)
        assert await met.read_end() == b""
