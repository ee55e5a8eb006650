"""The TLS handshake of a native stream, seen from the stream's side."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any, cast

import pytest

from tests.engines.ear import HANG, Ear, client_context, client_tls, server_context, server_tls
from trunkline import native
from trunkline.engines.engine import Tls
from trunkline.engines.timers import TimerWheel

if not native.AVAILABLE:
    pytest.skip(str(native.WHY_NOT), allow_module_level=True)

from trunkline.engines.securing import HANDSHAKE_TIMEOUT, Securing, wrap
from trunkline.native import tls as tls_layer


class Wire:
    """Stands for a stream: what is written goes to the other one."""

    is_lost = False

    def __init__(self, receiver: Any = None) -> None:
        self.receiver = receiver
        self.written = b""
        self.errors: list[Exception] = []
        self.is_secure = False

    def write(self, data: bytes) -> None:
        self.written += data

    def take(self) -> bytes:
        data, self.written = self.written, b""
        return data


class Ends:
    """Both sides of a handshake."""

    def __init__(self, timers: TimerWheel) -> None:
        self.timers = timers
        self.outcomes: list[Exception | None] = []

    def begin(
        self, tls: Tls, *, is_server: bool, receiver: Ear | None = None, received: bytes = b""
    ) -> Wire:
        wire = Wire(receiver)
        Securing(
            cast(Any, wire),
            tls,
            self.timers,
            is_server=is_server,
            when_done=self.outcomes.append,
            received=received,
        )
        return wire


@pytest.fixture(autouse=True)
def layers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lay nothing over a wire, and take note of it."""

    def secure(wire: Wire, *parts: Any) -> None:
        wire.write(parts[-1].read())
        wire.is_secure = True

    monkeypatch.setattr(tls_layer, "secure", secure)
    monkeypatch.setattr(tls_layer, "fail", lambda wire, error: wire.errors.append(error))


@pytest.fixture
async def ends() -> Ends:
    loop = asyncio.get_running_loop()
    return Ends(TimerWheel(loop.time, loop.call_at))


async def test_two_sides_agree(ends: Ends) -> None:
    client = ends.begin(client_tls(), is_server=False)
    server = ends.begin(server_tls(), is_server=True)
    assert isinstance(client.receiver, Securing)
    client.receiver.writing_resumed()
    for _ in range(3):
        server.receiver.bytes_received(client.take())
        client.receiver.bytes_received(server.take())
    assert client.is_secure and server.is_secure
    assert ends.outcomes == [None, None]
    assert len(ends.timers) == 0


async def test_what_was_read_before_is_part_of_the_handshake(ends: Ends) -> None:
    ear = Ear()
    client = ends.begin(client_tls(), is_server=False)
    server = ends.begin(server_tls(), is_server=True, receiver=ear, received=client.take())
    client.receiver.bytes_received(server.take())
    server.receiver.bytes_received(client.take())
    assert server.is_secure
    assert server.receiver is ear


@pytest.mark.parametrize("is_lost", [True, False])
async def test_whoever_was_there_before_hears_of_a_loss_that_was_told_already(
    ends: Ends, is_lost: bool
) -> None:
    ear, error = Ear(), OSError("cut")
    server = ends.begin(server_tls(), is_server=True, receiver=ear)
    server.is_lost = is_lost
    server.receiver.stream_lost(error)
    assert server.receiver is ear
    assert ear.losses == [error] * is_lost


async def test_a_failure_is_told_once_with_an_alert_for_the_peer(ends: Ends) -> None:
    server = ends.begin(server_tls(), is_server=True)
    server.receiver.bytes_received(b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00")  # cut short
    server.receiver.bytes_received(b"more")
    server.receiver.end_received()
    server.receiver.stream_lost(None)
    [error] = server.errors
    assert isinstance(error, ssl.SSLError)
    assert ends.outcomes == [error]
    assert server.take()[:1] == b"\x15"  # alert (RFC 8446 §5.1)
    assert len(ends.timers) == 0


async def test_the_end_of_the_peer_is_a_failure(ends: Ends) -> None:
    client = ends.begin(client_tls(), is_server=False)
    client.receiver.end_received()
    assert [type(error) for error in ends.outcomes] == [ConnectionResetError]


@pytest.mark.parametrize("error", [None, OSError("cut")])
async def test_the_loss_of_the_stream_is_a_failure(ends: Ends, error: Exception | None) -> None:
    client = ends.begin(client_tls(), is_server=False)
    client.receiver.stream_lost(error)
    [outcome] = ends.outcomes
    assert outcome is error if error else isinstance(outcome, ConnectionResetError)


async def test_silence_is_a_failure_in_time(ends: Ends) -> None:
    hasty = Tls(context=client_context(), server_hostname="localhost", handshake_timeout=0.01)
    client = ends.begin(hasty, is_server=False)
    async with asyncio.timeout(HANG):
        while not ends.outcomes:
            await asyncio.sleep(0)
    assert isinstance(ends.outcomes[0], ConnectionAbortedError)
    assert str(ends.outcomes[0]) == "no TLS handshake within 0.01 s"
    assert client.errors == ends.outcomes


async def test_without_a_deadline_there_is_that_of_asyncio(ends: Ends) -> None:
    client = ends.begin(Tls(context=client_context(), server_hostname="a"), is_server=False)
    assert client.receiver._seconds == HANDSHAKE_TIMEOUT == 60
    client.receiver.stream_lost(None)


def test_an_object_refuses_renegotiation_and_its_context_does_not_change() -> None:
    context = server_context()
    options = context.options
    wrap(context, ssl.MemoryBIO(), ssl.MemoryBIO(), True, None)
    assert context.options == options
