"""What every engine promises of places: connecting, listening, TLS, and what is known of them."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.escapes import Escapes
from tests.contracts.test_engine import PLENTY, fail, let_go, raw_client, reset, until_gone
from tests.engines.ear import (
    HANG,
    WRITE_LIMIT,
    Ear,
    Harbour,
    client_tls,
    open_harbour,
    server_tls,
)
from trunkline.engines.engine import Address, Engine, Stream, Tls
from trunkline.engines.tcp import TCP_NOTSENT_LOWAT
from trunkline.limits import NOT_SENT

LATEST_STEP = 40
"""Turns of the loop after which a connection to loopback has been made."""


def port_of(harbour: Harbour) -> int:
    assert harbour.address.port is not None
    return harbour.address.port


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


async def until_descriptors(count: int) -> None:
    """Wait until no more than `count` descriptors are open."""
    async with asyncio.timeout(HANG):
        while open_descriptors() > count:
            await asyncio.sleep(0)


async def warmed_up(engine: Engine) -> int:
    """Count the descriptors that are open once the loop has made those of its own."""
    harbour = Harbour(engine)
    await harbour.open(Address(host="127.0.0.1", port=0))
    await let_go(*(await harbour.pair()))
    descriptors = open_descriptors()
    harbour.listener.close()
    await until_descriptors(descriptors - 1)
    return open_descriptors()


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


# What is known


async def test_addresses_and_sockets_are_known(plain: Harbour) -> None:
    client, server = await plain.pair()
    assert client.stream.get_extra_info("peername") == ("127.0.0.1", port_of(plain))
    assert server.stream.get_extra_info("peername") == client.stream.get_extra_info("sockname")
    assert server.stream.get_extra_info("sockname") == ("127.0.0.1", port_of(plain))
    for end in (client, server):
        sock = end.stream.get_extra_info("socket")
        assert sock.family == socket.AF_INET
        assert sock.getsockname() == end.stream.get_extra_info("sockname")
        assert sock.fileno() >= 0
        for name in ("ssl_object", "sslcontext", "peercert", "what nobody knows"):
            assert end.stream.get_extra_info(name) is None
    await let_go(client, server)


@pytest.mark.skipif(TCP_NOTSENT_LOWAT is None, reason="this platform takes what it likes")
async def test_unsent_bytes_do_not_wait_in_the_kernel(plain: Harbour) -> None:
    assert TCP_NOTSENT_LOWAT is not None
    listening = plain.listener.sockets[0]
    assert listening.getsockopt(socket.IPPROTO_TCP, TCP_NOTSENT_LOWAT) == NOT_SENT


@pytest.mark.skipif(TCP_NOTSENT_LOWAT is None, reason="this platform takes what it likes")
async def test_a_stream_may_have_the_kernel_take_less(plain: Harbour) -> None:
    assert TCP_NOTSENT_LOWAT is not None
    client, server = await plain.pair()
    server.stream.limit_unsent(1234)
    sock = server.stream.get_extra_info("socket")
    assert sock.getsockopt(socket.IPPROTO_TCP, TCP_NOTSENT_LOWAT) == 1234
    await let_go(client, server)


async def test_whatever_carries_a_stream_and_after_its_end_less_may_be_asked_for(
    harbour: Harbour,
) -> None:
    client, server = await harbour.pair()
    client.stream.limit_unsent(1234)
    client.stream.write(b"a")
    await server.ear.until_data(b"a")
    await let_go(client, server)
    client.stream.limit_unsent(1234)


async def test_addresses_are_known_after_the_end(harbour: Harbour) -> None:
    client, server = await harbour.pair()
    names = ("peername", "sockname")
    before = [end.stream.get_extra_info(name) for end in (client, server) for name in names]
    await let_go(client, server)
    after = [end.stream.get_extra_info(name) for end in (client, server) for name in names]
    assert after == before
    if harbour.address.path is not None:
        assert before[0] == before[3] == harbour.address.path


async def test_who_it_was_is_known_once_the_peer_has_gone(harbour: Harbour) -> None:
    client, server = await harbour.pair()
    address = client.stream.get_extra_info("sockname")
    client.stream.close()
    await server.ear.until_end()
    server.stream.close()
    await server.ear.until_lost()
    assert server.stream.get_extra_info("peername") == address
    await client.ear.until_lost()


async def test_who_it_was_is_known_once_the_peer_has_reset(plain: Harbour) -> None:
    raw = raw_client(plain)
    address = raw.getsockname()
    server = await plain.accepted()
    reset(raw)
    await server.ear.until_lost()
    assert server.stream.get_extra_info("peername") == address


async def test_tls_is_known_also_after_the_end(secure: Harbour) -> None:
    client, server = await secure.pair()
    ssl_object = client.stream.get_extra_info("ssl_object")
    assert ssl_object.version().startswith("TLS")
    assert ssl_object.cipher()[1] == ssl_object.version()
    assert server.stream.get_extra_info("ssl_object").version() == ssl_object.version()
    assert client.stream.get_extra_info("peercert")["subjectAltName"][0] == ("DNS", "localhost")
    assert client.stream.get_extra_info("sslcontext") is client_tls().context
    assert server.stream.get_extra_info("sslcontext") is server_tls().context
    await let_go(client, server)
    for end in (client, server):
        end.stream.get_extra_info("ssl_object")
        end.stream.get_extra_info("socket")


async def test_a_closed_stream_has_no_descriptor(harbour: Harbour) -> None:
    await let_go(*(await harbour.pair()))
    await asyncio.sleep(0)
    before = open_descriptors()
    for _ in range(5):
        client, server = await harbour.pair()
        client.stream.close()
        server.stream.close()
        await client.ear.until_lost()
        await server.ear.until_lost()
    await until_descriptors(before)


# Connecting


async def test_a_socket_that_is_connected_already_is_used(harbour: Harbour) -> None:
    raw = raw_client(harbour)
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


async def test_ipv6_is_spoken(engine: Engine) -> None:
    harbour = Harbour(engine)
    await harbour.open(Address(host="::1", port=0))
    assert (await check(harbour, harbour.address))[0] == "::1"
    harbour.listener.close()


async def test_nobody_there_is_an_os_error(plain: Harbour) -> None:
    plain.listener.close()
    before = open_descriptors()
    for place in (plain.address, Address(path="/nowhere/at/all")):
        with pytest.raises(OSError):
            await plain.engine.connect(place, Ear(), tls=None, write_limit=WRITE_LIMIT)
    await until_descriptors(before)


async def test_a_refusal_says_so(plain: Harbour) -> None:
    plain.listener.close()
    with pytest.raises(ConnectionRefusedError):
        await plain.engine.connect(plain.address, Ear(), tls=None, write_limit=WRITE_LIMIT)


async def test_a_connect_that_is_cancelled_at_any_step_leaves_nothing(harbour: Harbour) -> None:
    await let_go(*(await harbour.pair()))
    before = open_descriptors()
    for steps in range(LATEST_STEP):
        ear = Ear()
        tls = client_tls() if harbour.is_secure else None
        connect = harbour.engine.connect(harbour.address, ear, tls=tls, write_limit=WRITE_LIMIT)
        connecting = asyncio.ensure_future(connect)
        for _ in range(steps):
            await asyncio.sleep(0)
        connecting.cancel()
        await asyncio.wait([connecting])
        if not connecting.cancelled():
            connecting.result().abort()
            await ear.until_lost()
    harbour.address = await forget_arrivals(harbour)
    await until_descriptors(before)


async def forget_arrivals(harbour: Harbour) -> Address:
    """Let go of every stream that was accepted so far, and some that are on their way."""
    await asyncio.sleep(0)
    last = await harbour.connect()
    name = last.stream.get_extra_info("sockname")
    while True:
        server = await harbour.accepted()
        seen = server.stream.get_extra_info("peername")
        await let_go(server)
        if harbour.address.path is not None or seen == name:
            break
    await let_go(last)
    while not harbour.is_idle():
        await let_go(await harbour.accepted())
    return harbour.address


async def test_a_certificate_that_is_not_trusted_is_refused(secure: Harbour) -> None:
    stranger = Tls(context=ssl.create_default_context(), server_hostname="localhost")
    before = open_descriptors()
    with pytest.raises(ssl.SSLCertVerificationError):
        await secure.connect(tls=stranger)
    await until_descriptors(before)


async def test_a_certificate_for_another_host_is_refused(secure: Harbour) -> None:
    wrong = Tls(context=client_tls().context, server_hostname="example.com")
    with pytest.raises(ssl.SSLCertVerificationError):
        await secure.connect(tls=wrong)


async def test_a_tls_handshake_without_answer_times_out(plain: Harbour) -> None:
    hasty = Tls(context=client_tls().context, server_hostname="localhost", handshake_timeout=0.05)
    with pytest.raises(OSError):
        await plain.connect(tls=hasty)
    await let_go(await plain.accepted())
    before = open_descriptors()
    with pytest.raises(OSError):
        await plain.connect(tls=hasty)
    await let_go(await plain.accepted())
    await until_descriptors(before)


async def test_the_end_of_the_peer_during_the_tls_handshake_is_an_os_error(
    plain: Harbour,
) -> None:
    connecting = asyncio.create_task(plain.connect(tls=client_tls()))
    server = await plain.accepted()
    await server.ear.until(lambda: bool(server.ear.data))
    await let_go(server)
    with pytest.raises(OSError):
        await connecting


# Listening


async def test_nobody_is_accepted_before_the_start(engine: Engine) -> None:
    harbour = Harbour(engine)
    listener = await engine.listen(
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


async def test_a_listener_that_was_never_started_can_be_closed(engine: Engine) -> None:
    before = await warmed_up(engine)
    listener = await engine.listen(
        Address(host="127.0.0.1", port=0), fail, tls=None, write_limit=WRITE_LIMIT
    )
    assert open_descriptors() > before
    listener.close()
    await until_descriptors(before)


async def test_a_closed_listener_leaves_its_streams_alone(harbour: Harbour) -> None:
    client, server = await harbour.pair()
    harbour.listener.close()
    client.stream.write(b"still here")
    await server.ear.until_data(b"still here")
    await let_go(client, server)


async def test_a_listener_may_be_closed_while_it_accepts(engine: Engine) -> None:
    before = await warmed_up(engine)
    harbour = Harbour(engine)
    accept = harbour.accept

    def accept_one(stream: Stream) -> Ear:
        harbour.listener.close()
        return accept(stream)

    harbour.accept = accept_one  # type: ignore[method-assign]
    await harbour.open(Address(host="127.0.0.1", port=0))
    clients = [raw_client(harbour) for _ in range(10)]
    first = await harbour.accepted()
    clients[0].sendall(b"hello")
    await first.ear.until_data(b"hello")
    await let_go(first)
    while not harbour.is_idle():
        await let_go(await harbour.accepted())
    for client in clients:
        client.close()
    await until_descriptors(before)


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_UNIX])
async def test_a_socket_that_is_bound_already_is_listened_at(
    engine: Engine, family: int, tmp_path: Path
) -> None:
    raw = socket.socket(family)
    raw.bind(("127.0.0.1", 0) if family == socket.AF_INET else str(tmp_path / "socket"))
    harbour = Harbour(engine)
    listener = await engine.listen(
        Address(sock=raw), harbour.accept, tls=None, write_limit=WRITE_LIMIT
    )
    await listener.start()
    if family == socket.AF_INET:
        await check(harbour, Address(host="127.0.0.1", port=raw.getsockname()[1]))
    else:
        await check(harbour, Address(path=str(tmp_path / "socket")))
    listener.close()


async def test_a_socket_that_listens_already_is_inherited(engine: Engine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as parent:
        waiting = socket.create_connection(parent.getsockname())
        harbour = Harbour(engine)
        inherited = socket.socket(fileno=os.dup(parent.fileno()))
        listener = await engine.listen(
            Address(sock=inherited), harbour.accept, tls=None, write_limit=WRITE_LIMIT
        )
        await listener.start()
        server = await harbour.accepted()
        waiting.sendall(b"waited")
        await server.ear.until_data(b"waited")
        await let_go(server)
        waiting.close()
        listener.close()


async def test_shared_sockets_stay_bound_when_the_listener_closes(
    engine: Engine, tmp_path: Path
) -> None:
    path = str(tmp_path / "socket")
    with socket.socket() as tcp, socket.socket(socket.AF_UNIX) as unix:
        tcp.bind(("127.0.0.1", 0))
        unix.bind(path)
        harbour = Harbour(engine)
        await harbour.open(Address(shared=[tcp.dup(), unix.dup()]))
        assert len(harbour.listener.sockets) == 2
        for address in (Address(host="127.0.0.1", port=tcp.getsockname()[1]), Address(path=path)):
            await check(harbour, address)
        harbour.listener.close()
        await asyncio.sleep(0)
        assert os.path.exists(path)
        tcp.listen()
        socket.create_connection(tcp.getsockname()).close()


async def test_small_writes_leave_at_once_whoever_made_the_socket(engine: Engine) -> None:
    raw = socket.create_server(("127.0.0.1", 0))  # asyncio takes no notice of such a one
    harbour = Harbour(engine)
    listener = await engine.listen(
        Address(sock=raw), harbour.accept, tls=None, write_limit=WRITE_LIMIT
    )
    await listener.start()
    harbour.address = Address(host="127.0.0.1", port=raw.getsockname()[1])
    client, server = await harbour.pair()
    for end in (client, server):
        sock = end.stream.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    await let_go(client, server)
    listener.close()


async def test_several_hosts_and_a_shared_port_can_be_listened_at(engine: Engine) -> None:
    harbour = Harbour(engine)
    hosts = ["127.0.0.1", "127.0.0.2"]
    await harbour.open(Address(host=hosts, port=0, family=socket.AF_INET, reuse_port=True))
    assert sorted(sock.getsockname()[0] for sock in harbour.listener.sockets) == hosts
    for sock in harbour.listener.sockets:
        host, port = sock.getsockname()
        await check(harbour, Address(host=host, port=port))
    harbour.listener.close()


async def test_a_taken_port_is_an_os_error(plain: Harbour) -> None:
    with pytest.raises(OSError):
        await Harbour(plain.engine).open(plain.address)


async def test_a_unix_socket_that_was_left_behind_is_taken_over(
    engine: Engine, tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "socket"))
    harbour = await open_harbour("unix", tmp_path, engine)
    await check(harbour, harbour.address)
    harbour.listener.close()


async def test_many_at_once_are_accepted(harbour: Harbour) -> None:
    clients = await asyncio.gather(*(harbour.connect() for _ in range(50)))
    servers = [await harbour.accepted() for _ in clients]
    for number, client in enumerate(clients):
        client.stream.write(b"%02d" % number)
    for server in servers:
        await server.ear.until(lambda server=server: len(server.ear.data) == 2)
    assert sorted(server.ear.data for server in servers) == [b"%02d" % n for n in range(50)]
    await let_go(*clients, *servers)


async def test_an_accept_that_fails_is_logged_and_loses_only_its_stream(
    harbour: Harbour, engine: Engine, escapes: Escapes
) -> None:
    client, server = await harbour.pair()
    failing = Harbour(engine)
    listener = await engine.listen(
        Address(host="127.0.0.1", port=0), fail, tls=None, write_limit=WRITE_LIMIT
    )
    await listener.start()
    failing.address = Address(host="127.0.0.1", port=listener.sockets[0].getsockname()[1])
    before = open_descriptors()
    for _ in range(2):
        unlucky = await failing.connect()
        await until_gone(unlucky)
        await let_go(unlucky)
    client.stream.write(b"still here")
    await server.ear.until_data(b"still here")
    await until_descriptors(before)
    assert [type(error) for error in escapes.take()] == [LookupError] * 2
    listener.close()
    await let_go(client, server)


# TLS


@pytest.mark.parametrize("junk", [b"GET / HTTP/1.1\r\n\r\n", bytes(100), b"\x16\x03\x01\xff\xff"])
async def test_junk_instead_of_tls_disturbs_nobody(secure: Harbour, junk: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(secure))
    writer.write(junk)
    writer.write_eof()
    async with asyncio.timeout(HANG):
        await reader.read()
    writer.close()
    await let_go(*(await secure.pair()))


async def test_tls_is_laid_over_an_open_stream(secure: Harbour) -> None:
    client = await secure.connect(tls=None)
    await secure.engine.start_tls(client.stream, client_tls())
    server = await secure.accepted()
    assert client.stream.get_extra_info("ssl_object") is not None
    client.stream.write(b"secret")
    await server.ear.until_data(b"secret")
    server.stream.write(b"x" * PLENTY)
    await client.ear.until(lambda: len(client.ear.data) == PLENTY)
    server.stream.close()
    await client.ear.until_end()
    assert await client.ear.until_lost() is None
    assert len(client.ear.losses) == 1


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
    await let_go(server)
    with pytest.raises(OSError):
        await securing


# Time


async def test_timers_ring_on_the_loop(engine: Engine) -> None:
    rung = asyncio.Event()
    before = engine.now()
    engine.timers.call_in(0.01, rung.set)
    async with asyncio.timeout(HANG):
        await rung.wait()
    assert engine.now() > before
