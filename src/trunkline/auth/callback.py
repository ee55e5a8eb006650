"""Functions of the user's, plain or async, whose mistakes must let nobody in."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus
from inspect import isawaitable

from trunkline.connection.mistake import MISTAKES
from trunkline.errors import RequestRefused

logger = logging.getLogger("trunkline.auth")


async def ask(function: Callable[..., object], *args: object) -> object:
    """Call a function, and wait for what it gives where that can be waited for.

    Raises:
        RequestRefused: what the function refuses with; 500 for any other exception, which is
            logged and not shown.
    """
    try:
        answer = function(*args)
        return await answer if isawaitable(answer) else answer
    except RequestRefused:
        raise
    except MISTAKES:
        logger.exception("%s failed; the request is refused", name_of(function))
    raise broken()


def broken() -> RequestRefused:
    """Make the refusal for a mistake on this side."""
    return RequestRefused(HTTPStatus.INTERNAL_SERVER_ERROR, "see the server's log")


def name_of(function: object) -> str:
    """Give the name of a function, or of the type of another callable."""
    return getattr(function, "__qualname__", type(function).__qualname__)
