"""The main faults once more, through TLS."""

import asyncio

import pytest

from tests.faults.exchange import LIMITS, PAIRS, Diary
from tests.faults.fault_proxy import FAULTS, HOST, Course, Fault, FaultProxy, broken_after
from tests.faults.idle_loop import until_quiet
from tests.faults.stage import Stage
from tests.faults.verdict import ABNORMAL, TICKS_SECONDS, judge_sealed
from tests.interop.certificate import Certificate
from tests.server.wire import port_of
from trunkline import (
    ConnectionClosedError,
    InvalidMessage,
    ServerConnection,
    connect,
    serve,
)
from trunkline.protocol.role import Role

STRIDE_BYTES = 37
STALLED = 50
HANDSHAKE_BYTES = 100
"""In the middle of the first flight of either side."""


@pytest.mark.parametrize("sender", Role, ids=lambda role: f"from_{role.value}")
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.value)
@pytest.mark.parametrize("kind", PAIRS)
async def test_a_fault_anywhere_in_tls_ends_both_sides_in_time(
    kind: str, fault: Fault, sender: Role, certificate: Certificate
) -> None:
    pair, diary = PAIRS[kind], Diary()
    async with pair.serving(diary, context=certificate.server_context) as server:
        stage = Stage(
            pair,
            server,
            diary,
            lambda _, *seen: judge_sealed(*seen),
            certificate.client_context,
        )
        up, down = Course(), Course()
        client, _ = await stage.converse(up, down)
        assert client.closed is None or client.closed.was_clean
        size = (up if sender is Role.CLIENT else down).passed_bytes
        places = range(0, size, STRIDE_BYTES)
        await stage.converse_each(broken_after(places, fault, sender))


async def test_a_stream_that_ends_without_close_notify_is_1006(certificate: Certificate) -> None:
    async def handler(ws: ServerConnection) -> None:
        await ws.recv()
        proxy.down.break_now(Fault.END)
        await ws.send("never seen")
        await ws.wait_closed()

    async with (
        serve(handler, HOST, 0, ssl=certificate.server_context, limits=LIMITS) as server,
        FaultProxy(port_of(server)) as proxy,
    ):
        uri = f"wss://{HOST}:{proxy.port}"
        ws = await connect(uri, ssl=certificate.client_context, limits=LIMITS)
        await ws.send("now")
        with pytest.raises(ConnectionClosedError) as caught:
            await ws.recv()
        assert (caught.value.code, caught.value.was_clean) == (ABNORMAL, False)
        await ws.wait_closed()


@pytest.mark.parametrize("sender", Role, ids=lambda role: f"from_{role.value}")
async def test_a_reset_in_the_tls_handshake_is_an_error_at_once(
    sender: Role, certificate: Certificate
) -> None:
    pair, diary = PAIRS["coroutines"], Diary()
    async with pair.serving(diary, context=certificate.server_context) as server:
        [(up, down)] = broken_after([HANDSHAKE_BYTES], Fault.RESET, sender)
        async with FaultProxy(port_of(server), up=up, down=down) as proxy:
            uri = f"wss://{HOST}:{proxy.port}"
            record = await pair.talk(uri, context=certificate.client_context)
    assert isinstance(record.error, OSError | InvalidMessage)
    assert not isinstance(record.error, TimeoutError)
    assert record.ends == [0.0]
    assert diary.records == {}


async def test_a_client_gives_a_stalled_tls_handshake_up_at_open_timeout(
    certificate: Certificate,
) -> None:
    pair, diary = PAIRS["coroutines"], Diary()
    async with (
        pair.serving(diary, context=certificate.server_context) as server,
        FaultProxy(port_of(server), down=Course(Fault.STALL)) as proxy,
    ):
        uri = f"wss://{HOST}:{proxy.port}"
        record = await pair.talk(uri, context=certificate.client_context)
    assert isinstance(record.error, TimeoutError)
    assert record.ends == [LIMITS.open_timeout]


async def test_a_server_cuts_stalled_tls_handshakes_and_they_delay_nobody(
    certificate: Certificate,
) -> None:
    assert LIMITS.open_timeout is not None
    loop = asyncio.get_running_loop()
    pair, diary = PAIRS["coroutines"], Diary()
    async with pair.serving(diary, context=certificate.server_context) as server:
        port = port_of(server)
        stalled = [await asyncio.open_connection(HOST, port) for _ in range(STALLED)]
        await until_quiet()
        began_at = loop.time()
        record = await pair.talk(f"wss://{HOST}:{port}", context=certificate.client_context)
        assert record.closed is not None and record.closed.was_clean
        assert loop.time() == began_at
        for reader, writer in stalled:
            assert await reader.read() == b""
            writer.close()
        assert loop.time() < LIMITS.open_timeout + TICKS_SECONDS
