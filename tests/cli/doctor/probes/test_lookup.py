import asyncio
import socket
import threading

import pytest

from trunkline.cli.doctor.probes import lookup as probe
from trunkline.cli.doctor.probes.lookup import ask_system, in_thread, look_up

HANG_GUARD = 20.0  # seconds
V4 = (socket.AF_INET, ("192.0.2.1", 80))
OTHER_V4 = (socket.AF_INET, ("192.0.2.2", 80))
V6 = (socket.AF_INET6, ("2001:db8::1", 80, 0, 0))


async def test_an_address_needs_no_look_up() -> None:
    lookup = await look_up("192.0.2.1", 80, HANG_GUARD)
    assert (lookup.places, lookup.is_needless) == ([V4], True)


async def test_a_host_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "ask_system", lambda *_: [V4, OTHER_V4, V4, V6])
    lookup = await look_up("a.example", 80, HANG_GUARD)
    assert lookup.places == [V4, V6, OTHER_V4]
    assert (lookup.error, lookup.is_needless) == (None, False)


async def test_a_host_that_is_not_there_is_a_fact() -> None:
    lookup = await look_up("nowhere.invalid", 80, HANG_GUARD)
    assert isinstance(lookup.error, socket.gaierror)


async def test_a_look_up_takes_no_longer_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    released, asked = threading.Event(), threading.Event()

    def hang(*_: object) -> list[probe.Place]:
        released.wait()
        asked.set()
        return []

    monkeypatch.setattr(probe, "ask_system", hang)
    lookup = await look_up("a.example", 80, 0.01)
    assert isinstance(lookup.error, TimeoutError)
    released.set()
    assert await asyncio.to_thread(asked.wait, HANG_GUARD)
    # What comes now, comes to nobody.
    await asyncio.to_thread(no_more_threads)


def no_more_threads() -> None:
    for thread in threading.enumerate():
        if thread.daemon and "run" in thread.name:
            thread.join(HANG_GUARD)


def test_a_loop_that_is_closed_is_told_nothing() -> None:
    released = threading.Event()

    def answer() -> list[probe.Place]:
        released.wait()
        return [V4]

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await in_thread(answer)

    asyncio.run(give_up())
    released.set()
    no_more_threads()


def test_the_system_knows_this_machine() -> None:
    places = ask_system("localhost", 80)
    assert isinstance(places, list)
    assert {place[1][0] for place in places} <= {"127.0.0.1", "::1"}


def test_a_name_that_cannot_be_one_is_not_known() -> None:
    error = ask_system("a" * 100, 80)
    assert isinstance(error, socket.gaierror)
    assert error.errno == socket.EAI_NONAME
