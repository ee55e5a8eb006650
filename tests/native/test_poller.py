"""The set under the loop: other threads, interruptions, its end; and who else is in it."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import weakref
from typing import Any

import pytest

from tests.contracts.twins import needs
from tests.engines.ear import HANG, Ear
from tests.native.line import make_line
from trunkline import native

if native.AVAILABLE:
    from trunkline.native.poller import Poller

pytestmark = needs("poller")


# Other threads


async def test_calls_of_other_threads_come_in_their_order(poller: Any) -> None:
    done = asyncio.Event()
    seen: list[tuple[int, int]] = []

    def call() -> None:
        for number in range(100):
            poller.call_from_thread(lambda number=number: note(number))
        poller.call_from_thread(done.set)

    def note(number: int) -> None:
        seen.append((number, threading.get_ident()))

    thread = threading.Thread(target=call)
    thread.start()
    await done.wait()
    thread.join()
    assert seen == [(number, threading.get_ident()) for number in range(100)]


async def test_a_call_that_fails_is_told_of_and_the_next_is_made(poller: Any) -> None:
    told: list[BaseException] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: told.append(context["exception"]))
    done = asyncio.Event()
    poller.call_from_thread(lambda: 1 // 0)
    poller.call_from_thread(done.set)
    await done.wait()
    assert [type(error) for error in told] == [ZeroDivisionError]


# KeyboardInterrupt


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def play(script: Any) -> None:
    """Run a coroutine function, which is interrupted once, to its end."""
    loop = asyncio.new_event_loop()
    task = loop.create_task(script())
    with pytest.raises(KeyboardInterrupt):
        loop.run_until_complete(task)
    loop.run_until_complete(task)
    loop.close()


def test_calls_behind_an_interrupted_one_are_made() -> None:
    async def script() -> None:
        poller = Poller(asyncio.get_running_loop())
        done = asyncio.Event()
        poller.call_from_thread(interrupt)
        poller.call_from_thread(done.set)
        await done.wait()
        poller.close()

    play(script)


def test_streams_behind_an_interrupted_one_are_told_of_their_loss() -> None:
    async def script() -> None:
        poller = Poller(asyncio.get_running_loop())
        lines = [make_line(poller) for _ in range(3)]
        lines[0].ear.stream_lost = interrupt
        for line in lines:
            line.stream.abort()
            line.peer.close()
        for line in lines[1:]:
            await line.ear.until_lost()
        poller.close()

    play(script)


def test_bytes_behind_an_interrupted_event_are_received() -> None:
    async def script() -> None:
        poller = Poller(asyncio.get_running_loop())
        lines = [make_line(poller) for _ in range(3)]
        lines[0].ear.when_received = interrupt
        for line in lines:
            line.peer.send(b"x")
        for line in lines[1:]:
            await line.ear.until_data(b"x")
        for line in lines:
            assert line.ear.data == b"x"
            await line.end()
        poller.close()

    play(script)


# The end


@pytest.mark.parametrize("is_inside", [False, True])
async def test_a_closed_set_closes_its_streams_and_tells_nobody(
    poller: Any, is_inside: bool
) -> None:
    lines = [make_line(poller) for _ in range(50)]
    heard: list[bytes] = []

    def close(data: bytes) -> None:
        heard.append(data)
        poller.close()

    for line in lines:
        line.stream.pause_reading()
        line.peer.send(b"x")
        line.ear.when_received = close
    for line in lines:
        line.stream.resume_reading()
    ears = [line.ear for line in lines]
    peers = [line.peer for line in lines]
    lines.clear()  # only the set holds them now
    del line
    if is_inside:
        while not heard:
            await asyncio.sleep(0)
    poller.close()
    await asyncio.sleep(0)
    assert len(poller) == 0 and len(heard) == is_inside
    assert not any(ear.losses for ear in ears)
    for peer in peers:
        with pytest.raises(OSError):  # reset, because nobody read the byte
            if peer.recv(1) == b"":
                raise OSError
        peer.close()


async def test_a_set_that_its_loop_refuses_leaves_nothing() -> None:
    class Refusing:
        def get_debug(self) -> bool:
            return False

        def is_closed(self) -> bool:
            return False

        def add_reader(self, *_: object) -> None:
            raise NotImplementedError

    loop: Any = Refusing()
    gone, before = weakref.ref(loop), os.listdir("/proc/self/fd")
    with pytest.raises(NotImplementedError):
        Poller(loop)
    assert os.listdir("/proc/self/fd") == before
    del loop
    gc.collect()
    assert gone() is None


def test_a_set_closed_behind_its_loop_lets_go_of_whom_it_cannot_tell() -> None:
    class Owner(Ear):
        stream: Any = None

    loop = asyncio.new_event_loop()
    poller = Poller(loop)
    line = make_line(poller, ear=Owner())
    line.ear.stream = line.stream
    gone = weakref.ref(line.ear)
    line.stream.abort()
    line.peer.close()
    loop.close()
    poller.close()
    assert not line.ear.losses
    del line
    gc.collect()
    assert gone() is None


async def test_several_sets_live_under_one_loop(poller: Any) -> None:
    other = Poller(asyncio.get_running_loop())
    lines = [make_line(one) for one in (poller, other)]
    assert len(poller) == len(other) == 1
    for line in lines:
        line.peer.send(b"x")
    for line in lines:
        await line.ear.until_data(b"x")
        await line.end()
    other.close()


async def test_an_event_inside_of_an_event_waits(poller: Any) -> None:
    lines = [make_line(poller) for _ in range(2)]
    depth: list[int] = []

    def look_again(_: bytes) -> None:
        depth.append(1)
        poller.process()
        assert sum(depth) == 1
        depth.append(-1)

    for line in lines:
        line.ear.when_received = look_again
        line.peer.send(b"x")
    for line in lines:
        await line.ear.until_data(b"x")
        await line.end()


async def test_a_child_leaves_the_set_of_its_parent_alone(poller: Any) -> None:
    line = make_line(poller)
    child = os.fork()
    if child == 0:
        try:
            line.stream.abort()
            poller.close()
        finally:
            os._exit(0)
    await asyncio.to_thread(os.waitpid, child, 0)
    line.peer.send(b"still here")
    await line.ear.until_data(b"still here")
    await line.end()


async def test_looking_busily_starves_no_timer(poller: Any) -> None:
    poller.tune_busy_poll(1.0)
    line = make_line(poller)

    def echo_to_itself(_: bytes) -> None:
        line.peer.send(b"x")

    line.ear.when_received = echo_to_itself
    line.peer.send(b"x")
    rang = asyncio.Event()
    asyncio.get_running_loop().call_later(0.01, rang.set)
    await rang.wait()
    line.ear.when_received = None
    await line.end()


async def test_a_stay_that_took_long_lets_others_run_and_goes_on(poller: Any) -> None:
    poller.tune_busy_poll(1.0)
    line = make_line(poller)
    turns: list[str] = []

    def answer(data: bytes) -> None:
        turns.append("message")
        line.peer.send(data)

    async def count_turns() -> None:
        while turns.count("task") < 5:
            turns.append("task")
            await asyncio.sleep(0)
            await asyncio.sleep(0.002)

    line.ear.when_received = answer
    line.peer.send(b"x")
    await count_turns()
    line.ear.when_received = None
    poller.tune_busy_poll(0.0)
    assert "message" in turns
    await line.end()


async def until_less_patient(poller: Any) -> None:
    """Let a busy wait end without a message."""
    patience = poller.patience
    async with asyncio.timeout(HANG):
        while poller.patience == patience:
            await asyncio.sleep(0.01)


async def test_silence_takes_patience_and_what_comes_soon_gives_it_back(poller: Any) -> None:
    poller.tune_busy_poll(0.4)
    line = make_line(poller)
    line.peer.send(b"x")
    await line.ear.until_data(b"x")
    await until_less_patient(poller)
    line.peer.send(b"x")
    await line.ear.until_data(b"xx")
    assert poller.patience == 0.2
    await until_less_patient(poller)
    line.peer.send(b"x")  # the loop waits for 0.4 seconds in vain if this is not there in time
    await line.ear.until_data(b"xxx")
    assert poller.patience == 0.4
    await line.end()


async def test_a_closed_poller_does_not_come_back(poller: Any) -> None:
    poller.tune_busy_poll(1.0)
    poller.close()
    poller.come_back()


async def test_a_set_is_idle_while_nothing_is_in_it_but_its_signal(poller: Any) -> None:
    assert poller.is_idle
    line = make_line(poller)
    assert not poller.is_idle
    await line.end()
    assert poller.is_idle
    poller.close()
    assert not poller.is_idle
