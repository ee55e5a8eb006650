"""Forks while a connection is open; prints what the parent's connection lived through."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.contracts.engines import make_engine
from tests.contracts.forking import fork
from tests.engines.ear import End, Harbour
from trunkline.engines.engine import Address


async def converse(client: End, server: End) -> None:
    """See that bytes go both ways."""
    for end, other in ((client, server), (server, client)):
        count = len(other.ear.data)
        end.stream.write(b"hello")
        await other.ear.until(lambda other=other, count=count: len(other.ear.data) == count + 5)


def run_a_loop_of_its_own(name: str) -> None:
    """Be a child that goes on with asyncio."""
    asyncio.events._set_running_loop(None)
    asyncio.run(hold_a_conversation(name))


async def hold_a_conversation(name: str) -> None:
    """Connect to oneself, converse, and let go."""
    harbour = Harbour(make_engine(name))
    await harbour.open(Address(host="127.0.0.1", port=0))
    client, server = await harbour.pair()
    await converse(client, server)
    for end in (client, server):
        end.stream.abort()
        await end.ear.until_lost()
    harbour.listener.close()
    harbour.engine.close()


async def main(name: str) -> None:
    """Fork in every way."""
    harbour = Harbour(make_engine(name))
    await harbour.open(Address(host="127.0.0.1", port=0))
    client, server = await harbour.pair()
    await converse(client, server)
    fork(lambda: None)
    await converse(client, server)
    print("exit")
    fork(lambda: os.execv(sys.executable, [sys.executable, "-c", "pass"]))
    await converse(client, server)
    print("exec")
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    await converse(client, server)
    print("subprocess")
    fork(lambda: run_a_loop_of_its_own(name))
    await converse(client, server)
    print("loop")
    another = await harbour.pair()
    await converse(*another)
    print("accepted")
    for end in (client, server, *another):
        end.stream.abort()
        await end.ear.until_lost()
    harbour.listener.close()
    harbour.engine.close()


asyncio.run(main(sys.argv[1]))
