"""Trunkline's plugin for pytest: the fixtures `trunkline_house` and `trunkline_clock`.

It stands beside the package, and imports it only when a test asks for a fixture: pytest imports
this file in every run of everybody who has Trunkline.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from trunkline.testing import Clock, House

NAME = "trunkline_house"


@pytest.fixture
def trunkline_clock() -> Clock:
    """Give the clock of the test, for what wants it before there is a house."""
    from trunkline.testing import Clock

    return Clock()


async def open_houses(
    trunkline_clock: Clock,
) -> AsyncIterator[Callable[..., Awaitable[House]]]:
    """Give a function that opens houses, which close at the end: `await trunkline_house(app)`."""
    from trunkline import testing

    async with AsyncExitStack() as stack:

        async def open_house(target: Any, **options: Any) -> House:
            house = testing.serve(target, **{"clock": trunkline_clock} | options)
            return await stack.enter_async_context(house)

        yield open_house


def ask_for_asyncio() -> NoReturn:
    """Say what is missing, and what goes without it."""
    pytest.fail(
        f"{NAME} needs pytest-asyncio: pip install pytest-asyncio, "
        "or open the house in the test: async with trunkline.testing.serve(app) as house",
        pytrace=False,
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the fixture that is asynchronous with pytest-asyncio, in whichever mode it is."""
    fixtures: Any = ModuleType("pytest_trunkline.fixtures")
    if config.pluginmanager.hasplugin("asyncio"):
        import pytest_asyncio

        fixtures.trunkline_house = pytest_asyncio.fixture(open_houses, name=NAME)
    else:
        fixtures.trunkline_house = pytest.fixture(ask_for_asyncio, name=NAME)
    config.pluginmanager.register(fixtures, "trunkline-fixtures")
