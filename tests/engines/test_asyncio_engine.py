"""Streams, listeners and TLS on loopback, on asyncio's own loop and on uvloop."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import struct
import weakref
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.engines.ear import (
    HANG,
    KINDS,
    WRITE_LIMIT,
    Ear,
    Harbour,
    client_tls,
    open_harbour,
    server_tls,
)
from trunkline.engines.asyncio_engine import (
    AsyncioEngine,
    AsyncioStream,
    _is_an_engine,
    switch_nagle_off,
    tls_options,
)
from trunkline.engines.engine import Address, Tls

PLENTY = 8 * 1024 * 1024
"""Bytes that no socket buffer of loopback takes at once."""


@pytest.fixture(params=KINDS)
async def harbour(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Harbour]:
    harbour = await open_harbour(request.param, tmp_path)
    yield harbour
    harbour.listener.close()


@pytest.fixture
async def plain(tmp_path: Path) -> AsyncIterator[Harbour]:
    harbour = await open_harbour("tcp", tmp_path)
    yield harbour
    harbour.listener.close()


@pytest.fixture
async def secure(tmp_path: Path) -> AsyncIterator[Harbour]:
    harbour = await open_harbour("tcp+tls", tmp_path)
    yield harbour
    harbour.listener.close()


def port_of(harbour: Harbour) -> int:
    assert harbour.address.port is not None
    return harbour.address.port


# Bytes


async def test_bytes_arrive_in_their_order_both_ways(harbour: Harbour) -> None:
    client, server = await harbour.pair()
    for piece in (b"a", b"", b"b", b"c" * 100_000, b"d"):
        client.stream.write(piece)
        server.stream.write(piece)
    for end in (client, server):
        await end.ear.until_data(b"ab" + b"c" * 100_000 + b"d")
        end.stream.close()
    for end in (client, server):
        assert await end.ear.until_lost() is None


async def test_a_stream_may_change_its_receiver(harbour: Harbour) -> None:
    client, server = await harbour.pair()
    client.stream.write(b"a")
    await server.ear.until_data(b"a")
    server.stream.receiver = later = Ear()
    client.stream.write(b"b")
    await later.until_data(b"b")
    assert server.ear.data == b"a"
    client.stream.close()
    server.stream.close()
    await later.until_lost()
    await client.ear.until_lost()
    assert server.ear.losses == []


async def test_what_is_unsent_leaves_before_the_end(harbour: Harbour) -> None:
    client, server = await harbour.pair()
    client.stream.cork()
    client.stream.write(b"x" * PLENTY)
    client.stream.write(b"the last words")
    client.stream.close()
    await server.ear.until_end()
    assert len(server.ear.data) == PLENTY + 14
    assert server.ear.data.endswith(b"the last words")
    server.stream.close()
    assert await client.ear.until_lost() is None
    assert await server.ear.until_lost() is None


async def test_answers_to_one_read_leave_in_one_write(plain: Harbour) -> None:
    client, server = await plain.pair()
    writes: list[bytes] = []

    def answer(data: bytes) -> None:
        server.stream.write(b"a")
        server.stream.write(b"b")
        writes.append(bytes(client.ear.data))
        assert server.stream.unsent == 2

    server.ear.when_received = answer
    client.stream.write(b"question")
    await client.ear.until_data(b"ab")
    assert client.ear.reads == 1
    assert server.stream.unsent == 0
    client.stream.abort()
    server.stream.abort()
    await server.ear.until_lost()


async def test_an_exception_of_the_receiver_does_not_keep_bytes_back(plain: Harbour) -> None:
    client, server = await plain.pair()
    stream = server.stream
    assert isinstance(stream, AsyncioStream)

    def fail(data: bytes) -> None:
        stream.write(b"said before")
        raise LookupError

    server.ear.when_received = fail
    with pytest.raises(LookupError):
        stream.data_received(b"x")
    await client.ear.until_data(b"said before")
    client.stream.close()
    server.stream.close()
    await server.ear.until_lost()


async def test_what_is_gathered_leaves_together_a_moment_later(plain: Harbour) -> None:
    client, server = await plain.pair()
    client.stream.gather()
    client.stream.gather()
    client.stream.write(b"a")
    client.stream.write(b"b")
    assert client.stream.unsent == 2
    await server.ear.until_data(b"ab")
    assert server.ear.reads == 1
    client.stream.write(b"c")
    await server.ear.until_data(b"abc")
    client.stream.close()
    server.stream.close()
    await server.ear.until_lost()


async def test_more_than_high_water_is_not_held_back(plain: Harbour) -> None:
    client, server = await plain.pair()
    client.stream.cork()
    client.stream.write(b"a" * WRITE_LIMIT)
    assert client.stream.unsent == WRITE_LIMIT
    client.stream.write(b"b")
    await server.ear.until_data(b"a" * WRITE_LIMIT + b"b")
    client.stream.write(b"c")
    client.stream.uncork()
    await server.ear.until_data(b"a" * WRITE_LIMIT + b"bc")
    client.stream.close()
    server.stream.close()
    await server.ear.until_lost()


# Back-pressure


async def test_writing_pauses_above_high_water_and_resumes_when_the_peer_reads(
    harbour: Harbour,
) -> None:
    client, server = await harbour.pair()
    server.stream.pause_reading()
    assert not client.stream.is_writing_paused
    client.stream.write(b"x" * PLENTY)
    client.stream.write(b"x" * PLENTY)
    assert client.stream.is_writing_paused
    assert client.stream.unsent > WRITE_LIMIT
    assert client.stream.sent + client.stream.unsent == 2 * PLENTY
    assert client.ear.resumed == 0
    server.stream.resume_reading()
    await client.ear.until(lambda: client.ear.resumed > 0)
    assert not client.stream.is_writing_paused
    await server.ear.until(lambda: len(server.ear.data) == 2 * PLENTY)
    client.stream.close()
    await server.ear.until_end()
    server.stream.close()
    await client.ear.until_lost()


async def test_nothing_arrives_while_reading_is_paused(harbour: Harbour) -> None:
    client, server = await harbour.pair()
    other_client, other_server = await harbour.pair()
    server.stream.pause_reading()
    client.stream.write(b"wait")
    for number in range(20):
        other_client.stream.write(b"!")
        await other_server.ear.until_data(b"!" * (number + 1))
    assert server.ear.data == b""
    server.stream.resume_reading()
    server.stream.resume_reading()
    await server.ear.until_data(b"wait")
    for end in (client, server, other_client, other_server):
        end.stream.abort()
        await end.ear.until_lost()


async def test_pausing_twice_needs_one_resuming(harbour: Harbour) -> None:
    client, server = await harbour.pair()
    server.stream.pause_reading()
    server.stream.pause_reading()
    server.stream.resume_reading()
    client.stream.write(b"a")
    await server.ear.until_data(b"a")
    client.stream.close()
    server.stream.close()
    await server.ear.until_lost()


# The end


@pytest.mark.parametrize("kind", ["tcp", "unix"])
async def test_one_direction_can_end_before_the_other(kind: str, tmp_path: Path) -> None:
    harbour = await open_harbour(kind, tmp_path)
    client, server = await harbour.pair()
    client.stream.cork()
    client.stream.write(b"question")
    client.stream.end_writing()
    client.stream.end_writing()
    await server.ear.until_end()
    assert server.ear.data == b"question"
    assert server.stream.has_ended and not server.stream.is_lost
    server.stream.write(b"answer")
    await client.ear.until_data(b"answer")
    server.stream.close()
    assert await server.ear.until_lost() is None
    await client.ear.until_end()
    client.stream.close()
    assert await client.ear.until_lost() is None
    assert client.stream.is_lost
    harbour.listener.close()


async def test_tls_has_no_half_of_an_end(secure: Harbour) -> None:
    client, server = await secure.pair()
    client.stream.write(b"question")
    client.stream.end_writing()
    client.stream.end_writing()
    await server.ear.until_end()
    assert server.ear.data == b"question"
    assert await server.ear.until_lost() is None
    assert await client.ear.until_lost() is None


async def test_an_abort_is_a_loss_in_peace_here_and_never_told_from_inside(
    harbour: Harbour,
) -> None:
    client, server = await harbour.pair()
    client.stream.write(b"x" * PLENTY)
    client.stream.abort()
    assert client.ear.losses == []
    assert await client.ear.until_lost() is None
    await server.ear.until(lambda: server.ear.has_ended or bool(server.ear.losses))
    server.stream.close()
    await server.ear.until_lost()


async def test_a_close_that_cannot_flush_can_be_aborted(harbour: Harbour) -> None:
    client, server = await harbour.pair()
    server.stream.pause_reading()
    client.stream.write(b"x" * PLENTY)
    client.stream.close()
    client.stream.close()
    client.stream.abort()
    await client.ear.until_lost()
    server.stream.abort()
    await server.ear.until_lost()


async def test_a_reset_is_a_loss_by_an_error(plain: Harbour) -> None:
    with socket.create_connection(("127.0.0.1", port_of(plain))) as raw:
        server = await plain.accepted()
        # Without lingering, closing sends RST (RFC 9293 §3.10.4).
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert isinstance(await server.ear.until_lost(), ConnectionResetError)
    assert server.stream.is_lost


async def test_a_lost_stream_takes_every_call_in_peace(harbour: Harbour) -> None:
    client, server = await harbour.pair()
    for end in (client, server):
        end.stream.abort()
        await end.ear.until_lost()
        end.stream.write(b"x")
        end.stream.cork()
        end.stream.write(b"x")
        end.stream.uncork()
        end.stream.gather()
        end.stream.pause_reading()
        end.stream.resume_reading()
        end.stream.end_writing()
        end.stream.close()
        end.stream.abort()
        assert end.stream.unsent == 0
        assert end.stream.get_extra_info("what nobody knows") is None
        assert len(end.ear.losses) == 1


async def test_what_is_held_back_at_an_abort_is_dropped(plain: Harbour) -> None:
    client, server = await plain.pair()
    client.stream.cork()
    client.stream.write(b"never")
    client.stream.abort()
    client.stream.uncork()
    assert client.stream.unsent == 0
    await client.ear.until_lost()
    await server.ear.until(lambda: server.ear.has_ended or bool(server.ear.losses))
    assert server.ear.data == b""
    server.stream.close()
    await server.ear.until_lost()


async def test_a_lost_stream_is_not_kept_alive(harbour: Harbour) -> None:
    client, server = await harbour.pair()
    gone = [weakref.ref(end.stream) for end in (client, server)]
    client.stream.close()
    server.stream.close()
    await client.ear.until_lost()
    await server.ear.until_lost()
    del client, server
    for _ in range(10):
        await asyncio.sleep(0)
    gc.collect()
    assert [ref() for ref in gone] == [None, None]


# What is known


async def test_addresses_and_sockets_are_known(plain: Harbour) -> None:
    client, server = await plain.pair()
    assert client.stream.get_extra_info("peername") == ("127.0.0.1", port_of(plain))
    assert server.stream.get_extra_info("peername") == client.stream.get_extra_info("sockname")
    assert client.stream.get_extra_info("socket").family == socket.AF_INET
    assert client.stream.get_extra_info("ssl_object") is None
    for end in (client, server):
        end.stream.abort()
        await end.ear.until_lost()


async def test_tls_is_known(secure: Harbour) -> None:
    client, server = await secure.pair()
    assert client.stream.get_extra_info("ssl_object").version().startswith("TLS")
    assert client.stream.get_extra_info("peercert")["subjectAltName"][0] == ("DNS", "localhost")
    for end in (client, server):
        end.stream.abort()
        await end.ear.until_lost()


def test_tls_options_are_empty_for_plain_streams() -> None:
    tls = server_tls()
    assert tls_options(None) == {}
    assert tls_options(tls) == {"ssl": tls.context, "ssl_handshake_timeout": HANG}


# Connecting


async def check(harbour: Harbour, address: Address) -> Any:
    """Connect to `address`, and give the address that the server saw."""
    ear = Ear()
    tls = client_tls() if harbour.is_secure else None
    stream = await harbour.engine.connect(address, ear, tls=tls, write_limit=WRITE_LIMIT)
    server = await harbour.accepted()
    stream.write(b"hello")
    await server.ear.until_data(b"hello")
    seen = server.stream.get_extra_info("peername")
    for end in (stream, server.stream):
        end.abort()
    await ear.until_lost()
    await server.ear.until_lost()
    return seen


async def test_a_socket_that_is_connected_already_is_used(harbour: Harbour) -> None:
    if harbour.address.path is not None:
        raw = socket.socket(socket.AF_UNIX)
        raw.connect(harbour.address.path)
    else:
        raw = socket.create_connection(("127.0.0.1", port_of(harbour)))
    raw.setblocking(False)
    name = raw.getsockname()
    assert await check(harbour, Address(sock=raw)) == name


async def test_the_family_and_the_local_address_can_be_chosen(plain: Harbour) -> None:
    place = Address(
        host="localhost",
        port=port_of(plain),
        family=socket.AF_INET,
        local_addr=("127.0.0.1", 0),
    )
    assert (await check(plain, place))[0] == "127.0.0.1"


async def test_nobody_there_is_an_os_error(plain: Harbour) -> None:
    plain.listener.close()
    for place in (plain.address, Address(path="/nowhere/at/all")):
        with pytest.raises(OSError):
            await plain.engine.connect(place, Ear(), tls=None, write_limit=WRITE_LIMIT)


async def test_a_certificate_that_is_not_trusted_is_refused(secure: Harbour) -> None:
    stranger = Tls(context=ssl.create_default_context(), server_hostname="localhost")
    with pytest.raises(ssl.SSLCertVerificationError):
        await secure.connect(tls=stranger)


async def test_a_certificate_for_another_host_is_refused(secure: Harbour) -> None:
    wrong = Tls(context=client_tls().context, server_hostname="example.com")
    with pytest.raises(ssl.SSLCertVerificationError):
        await secure.connect(tls=wrong)


# Listening


async def test_nobody_is_accepted_before_the_start(tmp_path: Path) -> None:
    harbour = Harbour(AsyncioEngine(asyncio.get_running_loop()))
    listener = await harbour.engine.listen(
        Address(host="127.0.0.1", port=0), harbour.accept, tls=None, write_limit=WRITE_LIMIT
    )
    harbour.address = Address(host="127.0.0.1", port=listener.sockets[0].getsockname()[1])
    with pytest.raises(OSError):
        await harbour.connect()
    await listener.start()
    await listener.start()
    assert (await check(harbour, harbour.address))[0] == "127.0.0.1"
    listener.close()
    listener.close()
    with pytest.raises(OSError):
        await harbour.connect()


async def test_a_closed_listener_leaves_its_streams_alone(harbour: Harbour) -> None:
    client, server = await harbour.pair()
    harbour.listener.close()
    client.stream.write(b"still here")
    await server.ear.until_data(b"still here")
    for end in (client, server):
        end.stream.abort()
        await end.ear.until_lost()


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_UNIX])
async def test_a_socket_that_is_bound_already_is_listened_at(family: int, tmp_path: Path) -> None:
    raw = socket.socket(family)
    raw.bind(("127.0.0.1", 0) if family == socket.AF_INET else str(tmp_path / "socket"))
    harbour = Harbour(AsyncioEngine(asyncio.get_running_loop()))
    listener = await harbour.engine.listen(
        Address(sock=raw), harbour.accept, tls=None, write_limit=WRITE_LIMIT
    )
    await listener.start()
    if family == socket.AF_INET:
        await check(harbour, Address(host="127.0.0.1", port=raw.getsockname()[1]))
    else:
        await check(harbour, Address(path=str(tmp_path / "socket")))
    listener.close()


async def test_small_writes_leave_at_once_whoever_made_the_socket() -> None:
    raw = socket.create_server(("127.0.0.1", 0))  # asyncio takes no notice of such a one
    harbour = Harbour(AsyncioEngine(asyncio.get_running_loop()))
    listener = await harbour.engine.listen(
        Address(sock=raw), harbour.accept, tls=None, write_limit=WRITE_LIMIT
    )
    await listener.start()
    harbour.address = Address(host="127.0.0.1", port=raw.getsockname()[1])
    for end in await harbour.pair():
        sock = end.stream.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        end.stream.abort()
    listener.close()


def test_a_socket_that_was_reset_meanwhile_does_no_harm() -> None:
    def refuse(*option: int) -> None:
        raise OSError("reset")

    sock = SimpleNamespace(family=socket.AF_INET, setsockopt=refuse)
    switch_nagle_off(SimpleNamespace(get_extra_info=lambda name: sock))  # type: ignore[arg-type]
    switch_nagle_off(SimpleNamespace(get_extra_info=lambda name: None))  # type: ignore[arg-type]


async def test_several_hosts_and_a_shared_port_can_be_listened_at() -> None:
    harbour = Harbour(AsyncioEngine(asyncio.get_running_loop()))
    hosts = ["127.0.0.1", "127.0.0.2"]
    place = Address(host=hosts, port=0, family=socket.AF_INET, reuse_port=True)
    await harbour.open(place)
    assert sorted(sock.getsockname()[0] for sock in harbour.listener.sockets) == hosts
    for sock in harbour.listener.sockets:
        host, port = sock.getsockname()
        await check(harbour, Address(host=host, port=port))
    harbour.listener.close()


async def test_a_taken_port_is_an_os_error(plain: Harbour) -> None:
    with pytest.raises(OSError):
        await Harbour(plain.engine).open(plain.address)


# TLS


@pytest.mark.parametrize("junk", [b"GET / HTTP/1.1\r\n\r\n", bytes(100), b"\x16\x03\x01\xff\xff"])
async def test_junk_instead_of_tls_disturbs_nobody(secure: Harbour, junk: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(secure))
    writer.write(junk)
    writer.write_eof()
    async with asyncio.timeout(HANG):
        await reader.read()
    writer.close()
    client, server = await secure.pair()
    for end in (client, server):
        end.stream.abort()
        await end.ear.until_lost()


async def test_tls_is_laid_over_an_open_stream(tmp_path: Path) -> None:
    harbour = await open_harbour("tcp+tls", tmp_path)
    client = await harbour.connect(tls=None)
    await harbour.engine.start_tls(client.stream, client_tls())
    server = await harbour.accepted()
    assert client.stream.get_extra_info("ssl_object") is not None
    client.stream.write(b"secret")
    await server.ear.until_data(b"secret")
    server.stream.write(b"x" * PLENTY)
    await client.ear.until(lambda: len(client.ear.data) == PLENTY)
    server.stream.close()
    await client.ear.until_end()
    assert await client.ear.until_lost() is None
    assert len(client.ear.losses) == 1
    harbour.listener.close()


async def test_tls_over_a_stream_to_somebody_else_is_refused(secure: Harbour) -> None:
    client = await secure.connect(tls=None)
    wrong = Tls(context=client_tls().context, server_hostname="example.com")
    with pytest.raises(ssl.SSLCertVerificationError):
        await secure.engine.start_tls(client.stream, wrong)


async def test_a_stream_that_is_lost_during_the_tls_handshake_is_an_os_error(
    plain: Harbour,
) -> None:
    client, server = await plain.pair()
    securing = asyncio.create_task(plain.engine.start_tls(client.stream, client_tls()))
    await server.ear.until(lambda: bool(server.ear.data))
    server.stream.abort()
    with pytest.raises(OSError):
        await securing
    await server.ear.until_lost()


async def test_a_loop_that_gives_no_transport_has_lost_the_stream(plain: Harbour) -> None:
    client, server = await plain.pair()

    async def start_tls(*args: object, **options: object) -> None:
        return None

    loop = SimpleNamespace(time=None, call_at=None, start_tls=start_tls)
    with pytest.raises(ConnectionResetError, match="lost during the TLS handshake"):
        await AsyncioEngine(loop).start_tls(client.stream, client_tls())  # type: ignore[arg-type]
    for end in (client, server):
        end.stream.abort()
        await end.ear.until_lost()


# Time


async def test_timers_ring_on_the_loop() -> None:
    engine = AsyncioEngine(asyncio.get_running_loop())
    rung = asyncio.Event()
    before = engine.now()
    engine.timers.call_in(0.01, rung.set)
    async with asyncio.timeout(HANG):
        await rung.wait()
    assert engine.now() > before


async def test_it_is_an_engine() -> None:
    engine = AsyncioEngine(asyncio.get_running_loop())
    assert _is_an_engine(engine) is engine


async def test_a_call_comes_when_what_is_ready_has_been_handled() -> None:
    calls: list[str] = []
    AsyncioEngine(asyncio.get_running_loop()).call_soon(lambda: calls.append("called"))
    assert calls == []
    await asyncio.sleep(0)
    assert calls == ["called"]
