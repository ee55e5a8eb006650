"""The engine on asyncio transports: what is special about it, and each of its ways once.

What it has in common with others is asked for in `tests/contracts/test_engine.py`.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest

from tests.engines.ear import (
    HANG,
    WRITE_LIMIT,
    Ear,
    Harbour,
    client_tls,
    server_tls,
)
from tests.engines.foundlings import meeting
from tests.engines.porter import HEADER, meet
from trunkline.engines.asyncio_engine import (
    AsyncioEngine,
    AsyncioStream,
    Nobody,
    _is_an_engine,
    tls_options,
)
from trunkline.engines.engine import Address, Engine, Stream
from trunkline.engines.tcp import TCP_NOTSENT_LOWAT

PLENTY = 8 * 1024 * 1024
"""Bytes that no socket buffer of loopback takes at once."""


@pytest.fixture
async def engine() -> Engine:
    return AsyncioEngine(asyncio.get_running_loop())


async def test_its_loop_watches_nothing_by_which_nothing_can_come(harbour: Harbour) -> None:
    assert harbour.engine.idle_descriptors == 0


# Bytes


async def test_bytes_are_held_back_and_sent_both_ways(harbour: Harbour) -> None:
    client, server = await harbour.pair()
    server.ear.when_received = server.stream.write
    client.stream.gather()
    client.stream.gather()
    client.stream.write(b"a")
    assert (client.stream.unsent, client.stream.sent) == (1, 0)
    await client.ear.until_data(b"a")
    client.stream.cork()
    client.stream.cork()
    client.stream.write(b"b" * WRITE_LIMIT)
    client.stream.write(b"c")
    client.stream.uncork()
    await client.ear.until_data(b"a" + b"b" * WRITE_LIMIT + b"c")
    client.stream.close()
    await server.ear.until_end()
    server.stream.close()
    assert await client.ear.until_lost() is None
    assert await server.ear.until_lost() is None


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


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
async def test_what_follows_an_interruption_is_not_misread(
    plain: Harbour, kind: type[BaseException]
) -> None:
    client, server = await plain.pair()
    stream = server.stream
    assert isinstance(stream, AsyncioStream)

    def interrupt(data: bytes) -> None:
        raise kind

    server.ear.when_received = interrupt
    with pytest.raises(kind):
        stream.data_received(b"x")
    client.stream.write(b"y")
    await server.ear.until_lost()
    assert server.ear.data == b"x"
    await client.ear.until(lambda: client.ear.has_ended or bool(client.ear.losses))
    client.stream.close()


async def test_reading_and_writing_pause_and_resume(harbour: Harbour) -> None:
    client, server = await harbour.pair()
    server.stream.pause_reading()
    while not client.stream.is_writing_paused:
        client.stream.write(b"x" * PLENTY)
    server.stream.resume_reading()
    await client.ear.until(lambda: client.ear.resumed > 0)
    assert not client.stream.is_writing_paused
    for end in (client, server):
        end.stream.abort()
        await end.ear.until_lost()


async def test_who_waits_for_the_peer_may_pause_early(harbour: Harbour) -> None:
    client, server = await harbour.pair()
    client.stream.pause_early()
    assert not client.stream.is_writing_paused
    server.stream.pause_reading()
    while not client.stream.is_held_up:
        client.stream.write(b"x" * (WRITE_LIMIT // 2))
        await asyncio.sleep(0)
    assert not client.stream.is_writing_paused
    client.stream.pause_early()
    assert client.stream.is_writing_paused
    server.stream.resume_reading()
    await client.ear.until(lambda: client.ear.resumed == 1)
    assert not client.stream.is_writing_paused
    for end in (client, server):
        end.stream.abort()
        await end.ear.until_lost()


@pytest.mark.skipif(TCP_NOTSENT_LOWAT is None, reason="this platform takes what it likes")
async def test_the_kernel_may_be_given_less_until_the_end(plain: Harbour) -> None:
    assert TCP_NOTSENT_LOWAT is not None
    client, server = await plain.pair()
    sock = server.stream.get_extra_info("socket")
    server.stream.limit_unsent(1234)
    server.stream.end_writing()
    server.stream.limit_unsent(4321)
    assert sock.getsockopt(socket.IPPROTO_TCP, TCP_NOTSENT_LOWAT) == 1234
    for end in (client, server):
        end.stream.abort()
        await end.ear.until_lost()


# The end


async def test_asyncio_tells_of_an_end_once(plain: Harbour) -> None:
    client, server = await plain.pair()
    client.stream.end_writing()
    client.stream.end_writing()
    await server.ear.until_end()
    server.stream.pause_reading()
    server.stream.resume_reading()
    server.stream.write(b"answer")
    await client.ear.until_data(b"answer")
    server.stream.close()
    client.stream.close()
    await client.ear.until_lost()
    await server.ear.until_lost()


async def test_tls_has_no_half_of_an_end(secure: Harbour) -> None:
    client, server = await secure.pair()
    client.stream.end_writing()
    client.stream.end_writing()
    assert await server.ear.until_lost() is None
    assert await client.ear.until_lost() is None
    assert server.ear.has_ended


async def test_an_end_to_a_peer_that_has_reset_is_no_mistake(plain: Harbour) -> None:
    with socket.create_connection((plain.address.host, plain.address.port)) as raw:
        server = await plain.accepted()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    server.stream.end_writing()
    await server.ear.until_lost()


async def test_a_lost_stream_takes_every_call_and_knows_its_addresses(harbour: Harbour) -> None:
    client, server = await harbour.pair()
    client.stream.write(b"x" * PLENTY)
    peername = client.stream.get_extra_info("peername")
    client.stream.close()
    await server.ear.until_end()
    server.stream.abort()
    for end in (client, server):
        await end.ear.until_lost()
        end.stream.write(b"x")
        end.stream.gather()
        end.stream.pause_reading()
        end.stream.resume_reading()
        end.stream.end_writing()
        end.stream.close()
        end.stream.abort()
        assert end.stream.unsent == 0
    assert client.stream.get_extra_info("peername") == peername
    assert client.stream.get_extra_info("what nobody knows") is None


# Places


async def test_a_given_socket_is_used(harbour: Harbour) -> None:
    is_unix = harbour.address.path is not None
    raw = socket.socket(socket.AF_UNIX if is_unix else socket.AF_INET)
    raw.connect(harbour.address.path or (harbour.address.host, harbour.address.port))
    raw.setblocking(False)
    harbour.address = Address(sock=raw)
    for end in await harbour.pair():
        end.stream.abort()
        await end.ear.until_lost()


@pytest.mark.parametrize("is_shared", [False, True])
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_UNIX])
async def test_a_bound_socket_is_listened_at(
    engine: Engine, family: int, is_shared: bool, tmp_path: Path
) -> None:
    raw = socket.socket(family)
    raw.bind(("127.0.0.1", 0) if family == socket.AF_INET else str(tmp_path / "socket"))
    address = Address(shared=[raw]) if is_shared else Address(sock=raw)
    listener = await engine.listen(address, lambda stream: Ear(), tls=None, write_limit=WRITE_LIMIT)
    assert [sock.getsockname() for sock in listener.sockets] == [raw.getsockname()]
    listener.close()


async def test_whoever_is_not_wanted_is_let_go(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    asyncio.get_running_loop().set_exception_handler(None)  # it logs

    def refuse(stream: Stream) -> Ear:
        raise LookupError

    harbour = Harbour(engine)
    harbour.accept = refuse  # type: ignore[method-assign]
    await harbour.open(Address(host="127.0.0.1", port=0))
    client = await harbour.connect()
    await client.ear.until(lambda: client.ear.has_ended or bool(client.ear.losses))
    client.stream.abort()
    harbour.listener.close()
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [record.exc_info[0] for record in errors if record.exc_info] == [LookupError]


def test_nobody_takes_everything() -> None:
    nobody = Nobody()
    nobody.bytes_received(b"x")
    nobody.end_received()
    nobody.writing_resumed()
    nobody.stream_lost(None)


def test_a_transport_without_a_socket_is_taken() -> None:
    transport = Mock(asyncio.Transport)
    transport.get_extra_info.return_value = None
    stream = AsyncioStream(Nobody(), 1)
    stream.take(transport)
    assert stream.transport is transport


# TLS


def test_tls_options_are_empty_for_plain_streams() -> None:
    tls = server_tls()
    assert tls_options(None) == {}
    assert tls_options(tls) == {"ssl": tls.context, "ssl_handshake_timeout": HANG}


async def test_tls_is_laid_over_an_open_stream(secure: Harbour) -> None:
    client = await secure.connect(tls=None)
    await secure.engine.start_tls(client.stream, client_tls())
    server = await secure.accepted()
    client.stream.write(b"secret")
    await server.ear.until_data(b"secret")
    server.stream.close()
    assert await client.ear.until_lost() is None
    assert await server.ear.until_lost() is None


async def test_tls_is_answered_behind_something_else(plain: Harbour) -> None:
    caller, porter = await meet(plain)
    caller.stream.write(HEADER + caller.hello())
    caller.stream.write(await caller.last_flight(b"question"))
    await porter.ear.until_data(b"question")
    await porter.let_go(caller)


async def test_a_loop_that_gives_no_transport_has_lost_the_stream(plain: Harbour) -> None:
    client, server = await plain.pair()

    async def start_tls(*args: object, **options: object) -> Any:
        return None

    loop = SimpleNamespace(time=None, call_at=None, start_tls=start_tls)
    with pytest.raises(ConnectionResetError, match="lost during the TLS handshake"):
        await AsyncioEngine(loop).start_tls(client.stream, client_tls())  # type: ignore[arg-type]
    for end in (client, server):
        end.stream.abort()
        await end.ear.until_lost()


async def test_a_transport_that_somebody_has_made_is_taken_over(engine: Engine) -> None:
    async with meeting() as met:
        end = met.adopt(engine)
        assert isinstance(end.stream, AsyncioStream)
        end.stream.resume_reading()
        met.writer.write(b"x")
        await end.ear.until_data(b"x")
        end.stream.abort()
        await end.ear.until_lost()


# Time


async def test_its_clock_does_not_stand_still(engine: Engine) -> None:
    before = engine.now()
    rung = asyncio.Event()
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
