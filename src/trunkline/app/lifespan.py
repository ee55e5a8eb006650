"""What an application opens before it serves, and closes after it has."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from inspect import isawaitable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trunkline.app.app import App

Hook = Callable[[], Awaitable[None] | None]
Lifespan = Callable[["App"], AbstractAsyncContextManager[object]]
"""An asynchronous context manager around all of serving."""


class Lifecycle:
    """Everything that begins before serving, and ends after it, in the opposite order.

    Args:
        lifespan: of the application, if it has one.
    """

    def __init__(self, lifespan: Lifespan | None) -> None:
        self._lifespan = lifespan
        self.when_started: list[Hook] = []
        self.when_stopped: list[Hook] = []

    async def start(self, app: App) -> AsyncExitStack:
        """Begin; give what ends it. What fails on the way has ended what was begun."""
        async with AsyncExitStack() as stack:
            if self._lifespan is not None:
                await stack.enter_async_context(self._lifespan(app))
            for hook in self.when_stopped:
                stack.push_async_callback(call, hook)
            for hook in self.when_started:
                await call(hook)
            return stack.pop_all()


async def call(hook: Hook) -> None:
    """Call a user's function, and wait for it where it wants to be waited for."""
    result = hook()
    if isawaitable(result):
        await result
