"""The engine without sockets; what it promises of streams is asked in tests/contracts."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from pathlib import Path

import pytest

from tests.engines.ear import Ear, Harbour, open_harbour, server_tls
from tests.engines.porter import HEADER, meet
from trunkline import UsageError
from trunkline.engines.engine import Address, Stream, Tls
from trunkline.testing.clock import Clock
from trunkline.testing.line import Toward
from trunkline.testing.memory_engine import FIRST_FREE_PORT, LOCAL, MemoryEngine, _is_an_engine
from trunkline.testing.weather import Weather

WRITE_LIMIT = 1000


def new_engine() -> MemoryEngine:
    return MemoryEngine(asyncio.get_running_loop())


async def listen(engine: MemoryEngine, address: Address) -> Harbour:
    harbour = Harbour(engine)
    harbour.listener = await engine.listen(address, harbour.accept, tls=None, write_limit=1)
    await harbour.listener.start()
    return harbour


async def call(engine: MemoryEngine, address: Address) -> Stream:
    return await engine.connect(address, Ear(), tls=None, write_limit=WRITE_LIMIT)


async def test_it_is_an_engine() -> None:
    engine = new_engine()
    assert _is_an_engine(engine) is engine


async def test_its_time_is_that_of_the_loop() -> None:
    clock = Clock()
    with clock.drive():
        engine = new_engine()
        assert engine.now() == clock.time()
        await clock.advance(5.0)
        assert engine.now() == clock.time()


@pytest.mark.parametrize(
    ("place", "target"),
    [
        (Address(host="a", port=1), Address(host="a", port=1)),
        (Address(host="127.0.0.1", port=1), Address(host="localhost", port=1)),
        (Address(host="localhost", port=1), Address(host="::1", port=1)),
        (Address(host=["a", "b"], port=1), Address(host="b", port=1)),
        (Address(port=1), Address(host="anything", port=1)),
        (Address(host="", port=1), Address(host="anything", port=1)),
        (Address(path="/a"), Address(path="/a")),
    ],
)
async def test_who_listens_is_found_by_name(place: Address, target: Address) -> None:
    engine = new_engine()
    harbour = await listen(engine, place)
    stream = await call(engine, target)
    stream.write(b"hello")
    await (await harbour.accepted()).ear.until_data(b"hello")


async def test_port_0_is_one_that_nobody_has() -> None:
    engine = new_engine()
    first = await listen(engine, Address(host="a", port=0))
    second = await listen(engine, Address(host="a", port=0))
    names = [harbour.listener.sockets[0].getsockname() for harbour in (first, second)]
    assert names == [("a", FIRST_FREE_PORT), ("a", FIRST_FREE_PORT + 1)]


async def test_ends_know_both_addresses() -> None:
    engine = new_engine()
    harbour = await listen(engine, Address(host="a", port=1))
    client = await call(engine, Address(host="a", port=1))
    server = (await harbour.accepted()).stream
    assert client.get_extra_info("peername") == server.get_extra_info("sockname") == ("a", 1)
    assert client.get_extra_info("sockname") == server.get_extra_info("peername")
    assert client.get_extra_info("sockname")[0] == LOCAL
    await call(engine, Address(host="a", port=1, local_addr=("203.0.113.7", 5)))
    other = (await harbour.accepted()).stream
    assert other.get_extra_info("peername") == ("203.0.113.7", 5)


async def test_an_address_is_taken_once_and_free_after_the_close() -> None:
    engine = new_engine()
    harbour = await listen(engine, Address(host="a", port=1))
    with pytest.raises(OSError, match=r"address already in use in memory: \('a', 1\)") as taken:
        await listen(engine, Address(host=["b", "a"], port=1))
    assert taken.value.errno == errno.EADDRINUSE
    harbour.listener.close()
    await listen(engine, Address(host="a", port=1))


async def test_where_nobody_listens_the_error_says_who_does() -> None:
    engine = new_engine()
    with pytest.raises(ConnectionRefusedError, match="there is nobody at all"):
        await call(engine, Address(host="a", port=1))
    await listen(engine, Address(host="b", port=2))
    with pytest.raises(
        ConnectionRefusedError,
        match=r"nobody listens at \('a', 1\) in memory; there is \('b', 2\)",
    ):
        await call(engine, Address(host="a", port=1))
    with pytest.raises(ConnectionRefusedError, match="nobody listens at '/a' in memory"):
        await call(engine, Address(path="/a"))


async def test_a_socket_of_the_machine_is_refused() -> None:
    engine = new_engine()
    with socket.socket() as sock, pytest.raises(UsageError, match="leave sock= away"):
        await call(engine, Address(sock=sock))


async def test_who_comes_before_the_start_waits_for_it() -> None:
    engine = new_engine()
    harbour = Harbour(engine)
    listener = await engine.listen(
        Address(host="a", port=1), harbour.accept, tls=None, write_limit=1
    )
    stream = await call(engine, Address(host="a", port=1))
    stream.write(b"hello")
    await asyncio.sleep(0)
    assert harbour.is_idle()
    await listener.start()
    await (await harbour.accepted()).ear.until_data(b"hello")


async def test_who_waits_at_a_listener_that_closes_is_cut() -> None:
    engine = new_engine()
    listener = await engine.listen(
        Address(host="a", port=1), lambda stream: Ear(), tls=None, write_limit=1
    )
    ear = Ear()
    await engine.connect(Address(host="a", port=1), ear, tls=None, write_limit=WRITE_LIMIT)
    listener.close()
    assert isinstance(await ear.until_lost(), ConnectionResetError)


async def test_lines_are_known_until_both_ends_are_gone() -> None:
    engine = new_engine()
    harbour = await listen(engine, Address(host="a", port=1))
    client = await call(engine, Address(host="a", port=1))
    server = await harbour.accepted()
    assert engine.lines == [client.get_extra_info("line")]
    client.close()
    await server.ear.until_end()
    server.stream.close()
    await server.ear.until_lost()
    assert engine.lines == []


async def test_weather_comes_over_the_lines_to_a_host_from_the_handshake_on() -> None:
    clock = Clock()
    with clock.drive():
        engine = new_engine()
        engine.weathers["a"] = Weather(delay=1.0)
        await listen(engine, Address(host="a", port=1))
        await listen(engine, Address(host="b", port=1))
        await call(engine, Address(host="b", port=1))
        assert clock.elapsed == 0
        stream = await call(engine, Address(host="a", port=1))
        assert clock.elapsed == 2
        stream.write(b"x")
        await clock.advance(0.5)
        line = stream.get_extra_info("line")
        assert (line.passed(Toward.SERVER), line.server.unread) == (1, 0)


async def test_tls_is_spoken_with_real_certificates(tmp_path: Path) -> None:
    harbour = await open_harbour("tcp+tls", tmp_path, new_engine())
    client, server = await harbour.pair()
    client.stream.write(b"secret")
    await server.ear.until_data(b"secret")
    line = client.stream.get_extra_info("line")
    assert line.passed(Toward.SERVER) > 100
    for end in (client, server):
        assert end.stream.get_extra_info("ssl_object") is not None
        end.stream.abort()
        await end.ear.until_lost()


async def test_tls_is_answered_behind_something_else(tmp_path: Path) -> None:
    harbour = await open_harbour("tcp", tmp_path, new_engine())
    caller, porter = await meet(harbour)
    caller.stream.write(HEADER + caller.hello())
    caller.stream.write(await caller.last_flight(b"question"))
    await porter.ear.until_data(b"question")
    await porter.let_go(caller)


async def test_a_client_that_does_not_trust_the_server_is_told_why() -> None:
    engine = new_engine()
    harbour = Harbour(engine)
    await harbour.open(Address(host="a", port=1), server_tls())
    distrust = Tls(context=ssl.create_default_context(), server_hostname="localhost")
    ear = Ear()
    with pytest.raises(ssl.SSLCertVerificationError):
        await engine.connect(Address(host="a", port=1), ear, tls=distrust, write_limit=1)
    assert harbour.is_idle() and not ear.losses
