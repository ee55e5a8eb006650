"""What every engine promises of processes, threads and loops."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.contracts.engines import make_engine
from tests.contracts.test_engine import let_go
from tests.engines.ear import Harbour
from tests.engines.loops import LOOPS
from trunkline.engines.engine import Address, Engine

PROGRAMS = Path(__file__).parent / "programs"
HANG_SECONDS = 120.0
THREADS = 4
TURNS = 200


def run(program: str, engine_name: str) -> list[str]:
    """Run a program, and give the words that it printed."""
    done = subprocess.run(
        [sys.executable, str(PROGRAMS / program), engine_name],
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split()


def test_without_descriptors_accepting_stops_calmly_and_goes_on_later(engine_name: str) -> None:
    assert run("few_descriptors.py", engine_name) == ["exhausted", "alive", "calm", "accepted"]


def test_a_child_leaves_its_parents_connections_alone(engine_name: str) -> None:
    assert run("children.py", engine_name) == ["exit", "exec", "subprocess", "loop", "accepted"]


def test_a_loop_may_be_closed_under_open_connections(engine_name: str) -> None:
    assert run("closed_loops.py", engine_name) == ["closed", "clean"]


async def converse(engine_name: str) -> None:
    """Send there and back, many times."""
    harbour = Harbour(make_engine(engine_name))
    await harbour.open(Address(host="127.0.0.1", port=0))
    client, server = await harbour.pair()
    server.ear.when_received = server.stream.write
    for turn in range(TURNS):
        client.stream.write(b"%04d" % turn)
        await client.ear.until(lambda turn=turn: len(client.ear.data) == 4 * (turn + 1))
    await let_go(client, server)
    harbour.listener.close()
    harbour.engine.close()


@pytest.mark.parametrize("make_loop", LOOPS.values(), ids=LOOPS)
def test_several_loops_run_in_several_threads(
    engine_name: str, make_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    done: list[int] = []

    def work(number: int) -> None:
        with asyncio.Runner(loop_factory=make_loop) as runner:
            runner.run(converse(engine_name))
        done.append(number)

    threads = [threading.Thread(target=work, args=[number]) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG_SECONDS)
    assert sorted(done) == list(range(THREADS))


@pytest.mark.parametrize("make_loop", LOOPS.values(), ids=LOOPS)
def test_one_loop_after_the_other_has_an_engine(
    engine_name: str, make_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    for _ in range(5):
        with asyncio.Runner(loop_factory=make_loop) as runner:
            runner.run(converse(engine_name))


async def test_streams_of_two_engines_of_one_loop_meet(engine_name: str, engine: Engine) -> None:
    harbour = Harbour(make_engine(engine_name))
    await harbour.open(Address(host="127.0.0.1", port=0))
    guest = Harbour(engine)
    guest.address = harbour.address
    client = await guest.connect()
    server = await harbour.accepted()
    client.stream.write(b"hello")
    await server.ear.until_data(b"hello")
    await let_go(client, server)
    harbour.listener.close()
    harbour.engine.close()
