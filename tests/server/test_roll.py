"""The roll: who is there is asked, and not kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from trunkline import Events, Limits, ServerConnection, testing
from trunkline.server.roll import Roll, open_roll


@asynccontextmanager
async def opened() -> AsyncIterator[ServerConnection]:
    """Give a connection of a server."""
    async with testing.serve(Events()) as house:
        await house.connect()
        (connection,) = house.server.connections
        yield connection


async def test_it_has_the_connections_of_its_server() -> None:
    async with opened() as connection:
        setting = connection._setting
        roll = Roll(lambda: iter([object(), connection, None]), setting)
        assert set(roll) == {connection}
        assert roll
        roll.add(connection)
        assert list(roll) == [connection]


async def test_it_has_nobody_of_another_server() -> None:
    async with opened() as connection:
        setting = replace(connection._setting, when_lost=print)
        roll = Roll(lambda: iter([connection]), setting)
        assert not set(roll)
        assert not roll


async def test_it_has_connections_with_other_limits() -> None:
    async with opened() as connection:
        setting = replace(connection._setting, limits=Limits(max_size=1))
        assert set(Roll(lambda: iter([connection]), setting)) == {connection}


async def test_who_has_left_is_in_it_no_longer() -> None:
    async with opened() as connection:
        there: list[ServerConnection] = [connection]
        roll = Roll(lambda: iter(there), connection._setting)
        there.clear()
        roll.discard(connection)
        assert not roll


async def test_an_engine_that_knows_nobody_gets_a_set() -> None:
    async with opened() as connection:
        engine: Any = SimpleNamespace(owners=None)
        assert open_roll(replace(connection._setting, engine=engine)) == set()


async def test_an_engine_that_knows_whom_it_works_for_is_asked() -> None:
    async with opened() as connection:
        engine: Any = SimpleNamespace(owners=lambda: iter([connection]))
        assert isinstance(open_roll(replace(connection._setting, engine=engine)), Roll)
