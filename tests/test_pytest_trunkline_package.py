"""The plugin for pytest: in every mode of pytest-asyncio, without it, and where nobody asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest

import pytest_trunkline
from tests.reimport import reimport
from trunkline import ServerConnection
from trunkline.testing import Clock, House

pytest_plugins = ["pytester"]

APPLICATION = """
from trunkline import testing

async def echo(ws):
    async for message in ws:
        await ws.send(message)

async def check(house):
    ws = await house.connect("/rooms/1")
    await ws.send("hello")
    assert await ws.receive() == "hello"
"""

WITH_THE_FIXTURE = """
async def test_chat(trunkline_house):
    await check(await trunkline_house(echo))

async def test_a_failure_is_told(trunkline_house):
    house = await trunkline_house(echo)
    ws = await house.connect("/rooms/2")
    await ws.receive()
"""

BY_ITSELF = """
import asyncio

def test_chat():
    async def main():
        async with testing.serve(echo) as house:
            await check(house)
    asyncio.run(main())
"""

UNAWARE = """
import sys

def test_nothing_was_imported():
    assert "pytest_trunkline" in sys.modules
    assert "trunkline" not in sys.modules
"""


async def echo(ws: ServerConnection) -> None:
    async for message in ws:
        await ws.send(message)


# In this process


async def test_a_house_is_opened_and_has_the_clock_of_the_test(
    trunkline_house: Callable[..., Awaitable[House]], trunkline_clock: Clock
) -> None:
    house = await trunkline_house(echo, max_size=10)
    assert house.clock is trunkline_clock
    other = await trunkline_house(echo, host="other")
    for opened in (house, other):
        ws = await opened.connect()
        await ws.send("hello")
        assert await ws.receive() == "hello"


@pytest.mark.parametrize("has_asyncio", [True, False])
def test_the_fixture_is_registered_in_either_case(has_asyncio: bool) -> None:
    registered: dict[str, Any] = {}
    manager = SimpleNamespace(
        hasplugin=lambda name: has_asyncio and name == "asyncio",
        register=lambda plugin, name: registered.update({name: plugin}),
    )
    reimport(pytest_trunkline).pytest_configure(SimpleNamespace(pluginmanager=manager))
    (plugin,) = registered.values()
    assert hasattr(plugin, "trunkline_house")


def test_without_pytest_asyncio_the_fixture_says_what_to_do() -> None:
    with pytest.raises(pytest.fail.Exception, match="needs pytest-asyncio: pip install"):
        pytest_trunkline.ask_for_asyncio()


# In others


@pytest.mark.parametrize("mode", ["auto", "strict"])
def test_it_works_in_both_modes_of_pytest_asyncio(pytester: pytest.Pytester, mode: str) -> None:
    mark = "import pytest\npytestmark = pytest.mark.asyncio\n" if mode == "strict" else ""
    pytester.makepyfile(mark + APPLICATION + WITH_THE_FIXTURE)
    result = pytester.runpytest_subprocess("-o", f"asyncio_mode={mode}")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["*Failure: no message came within 1.0 s", "*what happened on /rooms/2:*"]
    )


def test_it_needs_no_plugin_at_all(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(APPLICATION + BY_ITSELF)
    result = pytester.runpytest_subprocess("-p", "no:asyncio", "-p", "no:trunkline")
    result.assert_outcomes(passed=1)


def test_without_pytest_asyncio_a_test_that_asks_fails_with_one_sentence(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile("def test_chat(trunkline_house): pass")
    result = pytester.runpytest_subprocess("-p", "no:asyncio")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*trunkline_house needs pytest-asyncio: pip install*"])


def test_whoever_does_not_use_it_does_not_pay(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(UNAWARE)
    pytester.runpytest_subprocess().assert_outcomes(passed=1)
