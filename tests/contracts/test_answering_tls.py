"""What every engine promises of TLS that begins on an open stream, behind something else."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.contracts.escapes import Escapes
from tests.engines.ear import HANG, Ear, Harbour, server_context, server_tls
from tests.engines.porter import HEADER, meet
from trunkline.engines.engine import Stream

SHORT_SECONDS = 0.05
"""A deadline that is meant to pass."""
ALERT = b"\x15"
"""How an alert begins (RFC 8446 §5.1)."""


async def some_rounds(count: int) -> None:
    """Let the loop go round so often."""
    for _ in range(count):
        await asyncio.sleep(0)


def nothing_goes_on() -> bool:
    return asyncio.all_tasks() == {asyncio.current_task()}


# Success


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 1.0])
async def test_a_handshake_is_gone_on_with_wherever_it_was_cut(
    clear: Harbour, share: float
) -> None:
    caller, porter = await meet(clear)
    hello = caller.hello()
    cut = round(share * len(hello))
    caller.stream.write(HEADER + hello[:cut])
    await porter.ear.until(lambda: porter.ear.reads > 0)
    caller.stream.write(hello[cut:])
    caller.stream.write(await caller.last_flight())
    await porter.until_secure()
    caller.send(b"question")
    await porter.ear.until_data(b"question")
    porter.stream.write(b"answer")
    assert await caller.read(6) == b"answer"
    await porter.let_go(caller)
    assert nothing_goes_on()


async def test_a_handshake_may_come_byte_by_byte(clear: Harbour) -> None:
    caller, porter = await meet(clear)
    for byte in HEADER + caller.hello():
        caller.stream.write(bytes([byte]))
        await asyncio.sleep(0)
    for byte in await caller.last_flight(b"question"):
        caller.stream.write(bytes([byte]))
        await asyncio.sleep(0)
    await porter.ear.until_data(b"question")
    assert porter.seen[0] == "secure"
    await porter.let_go(caller)


async def test_what_comes_with_the_end_of_the_handshake_is_received_behind_it(
    clear: Harbour,
) -> None:
    caller, porter = await meet(clear)
    answer = iter([b"answer"])
    caller.stream.write(HEADER + caller.hello())
    early = await caller.last_flight(b"question")

    def reply(data: bytes) -> None:
        porter.seen.append("received")
        porter.stream.write(next(answer))

    porter.ear.when_received = reply
    caller.stream.write(early)
    await porter.ear.until_data(b"question")
    assert porter.seen == ["secure", "received"]
    assert await caller.read(6) == b"answer"
    await porter.let_go(caller)


async def test_whoever_is_secure_is_known_to_be_and_may_speak_at_once(clear: Harbour) -> None:
    caller, porter = await meet(clear)
    known = []
    names = ("ssl_object", "sslcontext", "sockname")

    def speak() -> None:
        known.extend([porter.stream.get_extra_info(name) for name in names])
        porter.stream.write(b"welcome")

    porter.when_secure = speak
    place = porter.stream.get_extra_info("sockname")
    caller.stream.write(HEADER + caller.hello())
    caller.stream.write(await caller.last_flight())
    assert await caller.read(7) == b"welcome"
    ssl_object, context, sockname = known
    assert ssl_object.version() == caller.tls.version()
    assert (context, sockname) == (server_context(), place)
    await porter.let_go(caller)


async def test_as_much_as_there_is_goes_both_ways(clear: Harbour) -> None:
    caller, porter = await meet(clear)
    caller.stream.write(HEADER + caller.hello())
    caller.stream.write(await caller.last_flight(b"x" * 300_000))
    await porter.ear.until_data(b"x" * 300_000)
    porter.stream.write(b"y" * 300_000)
    assert await caller.read(300_000) == b"y" * 300_000
    await porter.let_go(caller)


async def test_the_end_of_tls_is_the_end_of_the_stream(clear: Harbour) -> None:
    caller, porter = await meet(clear)
    caller.stream.write(HEADER + caller.hello())
    caller.stream.write(await caller.last_flight())
    await porter.until_secure()
    porter.stream.close()
    assert await caller.read(1) == b""
    caller.stream.close()
    assert await porter.ear.until_lost() is None
    await caller.ear.until_lost()


# Failure


@pytest.mark.parametrize(
    "sent", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"]
)
async def test_what_is_no_tls_is_a_loss_by_an_error_and_gets_no_word(
    clear: Harbour, sent: bytes
) -> None:
    caller, porter = await meet(clear)
    caller.stream.write(HEADER + sent)
    assert isinstance(await porter.ear.until_lost(), ssl.SSLError)
    await caller.until_end()
    assert caller.ear.data[:1] in (b"", ALERT)
    assert porter.seen == []
    await porter.let_go(caller)
    assert nothing_goes_on()


async def test_a_client_that_goes_in_the_middle_is_a_loss_by_an_error(clear: Harbour) -> None:
    caller, porter = await meet(clear)
    caller.stream.write(HEADER + caller.hello()[:20])
    caller.stream.close()
    assert isinstance(await porter.ear.until_lost(), ConnectionResetError)
    await porter.let_go(caller)


async def test_silence_is_a_loss_by_an_error(clear: Harbour) -> None:
    tls = replace(server_tls(), handshake_timeout=SHORT_SECONDS)
    caller, porter = await meet(clear, tls)
    caller.stream.write(HEADER)
    assert isinstance(await porter.ear.until_lost(), ConnectionAbortedError)
    assert porter.seen == []
    await porter.let_go(caller)
    assert nothing_goes_on()


@pytest.mark.parametrize("name", ["abort", "close"])
@pytest.mark.parametrize("rounds", range(6))
async def test_whoever_lets_go_meanwhile_hears_of_it_once(
    clear: Harbour, rounds: int, name: str
) -> None:
    caller, porter = await meet(clear)
    let_go: Callable[[], None] = getattr(porter.stream, name)
    begun = asyncio.Event()
    porter.when_begun = begun.set if rounds else let_go
    caller.stream.write(HEADER + caller.hello())
    if rounds:
        async with asyncio.timeout(HANG):
            await begun.wait()
        await some_rounds(rounds - 1)
        let_go()
    await porter.ear.until(lambda: bool(porter.ear.losses))
    assert porter.seen == []
    await porter.let_go(caller)
    await some_rounds(10)
    assert len(porter.ear.losses) == 1
    assert nothing_goes_on()


@pytest.mark.parametrize("rounds", range(8))
async def test_whoever_lets_go_at_the_end_of_it_hears_of_it_once(
    clear: Harbour, rounds: int
) -> None:
    caller, porter = await meet(clear)
    caller.stream.write(HEADER + caller.hello())
    caller.stream.write(await caller.last_flight(b"question"))
    await some_rounds(rounds)
    porter.stream.abort()
    await porter.let_go(caller)
    await some_rounds(10)
    assert len(porter.ear.losses) == 1
    assert nothing_goes_on()


@pytest.mark.parametrize("says_so", [True, False])
async def test_whoever_goes_with_the_end_of_it_is_lost(clear: Harbour, says_so: bool) -> None:
    caller, porter = await meet(clear)
    caller.stream.write(HEADER + caller.hello())
    last = await caller.last_flight(b"question")
    if says_so:
        with pytest.raises(ssl.SSLError):
            caller.tls.unwrap()
        last += caller._outgoing.read()
    caller.stream.write(last)
    caller.stream.close()
    await porter.ear.until(lambda: porter.ear.has_ended or bool(porter.ear.losses))
    porter.stream.abort()
    await porter.let_go(caller)
    assert nothing_goes_on()


async def test_a_failure_of_whoever_waited_is_logged_and_the_end(
    clear: Harbour, escapes: Escapes
) -> None:
    caller, porter = await meet(clear)

    def fail() -> None:
        raise LookupError("nobody knows what to do")

    porter.when_secure = fail
    caller.stream.write(HEADER + caller.hello())
    caller.stream.write(await caller.last_flight(b"question"))
    await porter.ear.until_lost()
    assert bytes(porter.ear.data) == b""
    assert [type(error) for error in escapes.take()] == [LookupError]
    await porter.let_go(caller)


async def test_whoever_lets_go_when_it_is_secure_hears_of_nothing_else(clear: Harbour) -> None:
    caller, porter = await meet(clear)
    porter.when_secure = porter.stream.abort
    caller.stream.write(HEADER + caller.hello())
    caller.stream.write(await caller.last_flight(b"question"))
    await porter.ear.until_lost()
    assert porter.seen == ["secure"]
    await porter.let_go(caller)


async def test_another_receiver_may_take_over(clear: Harbour) -> None:
    caller, porter = await meet(clear)
    later = Ear()
    streams: list[Stream] = [porter.stream]

    def change() -> None:
        streams[0].receiver = later

    porter.when_secure = change
    caller.stream.write(HEADER + caller.hello())
    caller.stream.write(await caller.last_flight(b"question"))
    await later.until_data(b"question")
    assert bytes(porter.ear.data) == b""
    porter.stream.abort()
    await later.until_lost()
    assert porter.ear.losses == []
    await caller.let_go()
