"""Functions of the user's: what they give, and what becomes of their mistakes."""

import asyncio
import logging
import sys

import pytest

from trunkline import RequestRefused
from trunkline.auth.callback import ask, name_of


def plain(number: int) -> int:
    return 10 // number


async def waiting(number: int) -> int:
    await asyncio.sleep(0)
    return 10 // number


class Callable:
    def __call__(self, number: int) -> int:
        return 10 // number


FUNCTIONS = [plain, waiting, Callable()]


@pytest.mark.parametrize("function", FUNCTIONS)
async def test_the_answer_is_awaited_where_it_can_be(function: object) -> None:
    assert await ask(function, 5) == 2  # type: ignore[arg-type]


@pytest.mark.parametrize("function", FUNCTIONS)
async def test_a_mistake_is_logged_and_not_shown(
    function: object, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(RequestRefused) as caught:
        await ask(function, 0)  # type: ignore[arg-type]
    assert str(caught.value) == "500: see the server's log"
    assert caught.value.__context__ is None
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("trunkline.auth", logging.ERROR)
    assert record.getMessage() == f"{name_of(function)} failed; the request is refused"
    assert "ZeroDivisionError" in caplog.text


async def test_an_exit_is_a_mistake_like_others(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(RequestRefused, match=r"^500: see the server's log$"):
        await ask(sys.exit, 1)
    assert "SystemExit: 1" in caplog.text


async def test_a_function_may_refuse_by_itself() -> None:
    def refuse() -> None:
        raise RequestRefused(403, "not you")

    with pytest.raises(RequestRefused, match="403: not you"):
        await ask(refuse)


def test_a_callable_without_a_name_is_called_by_its_type() -> None:
    assert [name_of(function) for function in FUNCTIONS] == ["plain", "waiting", "Callable"]
