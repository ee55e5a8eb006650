"""Forks a child that has its hands on its parent's connections; prints what these lived through."""

import asyncio
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.contracts.engines import make_engine
from tests.contracts.forking import fork
from tests.engines.ear import End, Harbour
from trunkline.engines.engine import Address

MANY = b"x" * 1_000_000


async def until_data(end: End, size: int) -> None:
    await end.ear.until(lambda: len(end.ear.data) >= size)


async def converse(client: End, server: End) -> None:
    """See that bytes go both ways, and no others."""
    for end, other in ((client, server), (server, client)):
        before = len(other.ear.data)
        end.stream.write(b"hello")
        await until_data(other, before + 5)
        assert bytes(other.ear.data[before:]) == b"hello"


async def hands_off(client: End, server: End) -> None:
    """Whatever a child does, the parent's connection goes on."""
    for end in (client, server):
        fork(lambda end=end: end.stream.write(b"from the child"))
        await converse(client, server)
        fork(end.stream.end_writing)
        await converse(client, server)
        fork(end.stream.abort)
        await converse(client, server)
    # What the parent has still to send is not sent by both.
    client.stream.write(MANY)
    before = len(server.ear.data)
    fork(client.stream.close)
    await until_data(server, before + len(MANY))
    await converse(client, server)
    print("untouched")


async def heard(client: End, server: End) -> None:
    """The peer hears of the end while there is still a child that was there before it."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writer)
        os.read(reader, 1)
        os._exit(0)
    server.stream.abort()
    await client.ear.until(lambda: client.ear.has_ended or bool(client.ear.losses))
    print("heard")
    os.close(writer)
    os.waitpid(child, 0)


async def main() -> None:
    harbour = Harbour(make_engine("native"))
    await harbour.open(Address(host="127.0.0.1", port=0))
    client, server = await harbour.pair()
    await converse(client, server)
    await hands_off(client, server)
    await heard(client, server)
    client.stream.abort()
    harbour.listener.close()
    harbour.engine.close()


asyncio.run(main())
