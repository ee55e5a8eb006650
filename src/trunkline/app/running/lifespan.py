"""What an application opens before it serves, and closes after it has."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from inspect import isasyncgenfunction, isawaitable, iscoroutinefunction, signature
from typing import TYPE_CHECKING

from trunkline.auth.callback import name_of
from trunkline.connection.events import has_yield

if TYPE_CHECKING:
    from trunkline.app.app import App

Hook = Callable[[], Awaitable[None] | None]
Lifespan = Callable[["App"], AbstractAsyncContextManager[object]]
"""An asynchronous context manager around all of serving."""


class Lifecycle:
    """Everything that begins before serving, and ends after it, in the opposite order.

    Args:
        lifespan: of the application, if it has one.

    Raises:
        TypeError: it cannot be called, or gives no context manager.
    """

    def __init__(self, lifespan: Lifespan | None) -> None:
        check_lifespan(lifespan)
        self._lifespan = lifespan
        self.when_started: list[Hook] = []
        self.when_stopped: list[Hook] = []

    async def start(self, app: App) -> AsyncExitStack:
        """Begin; give what ends it.

        Raises:
            Exception: what a function of the user's has raised, with a note that says which one.
                What was begun has ended then, `on_stop` included.
        """
        async with AsyncExitStack() as stack:
            if self._lifespan is not None:
                with named(self._lifespan):
                    await stack.enter_async_context(self._lifespan(app))
            for hook in self.when_stopped:
                stack.push_async_callback(call, hook)
            for hook in self.when_started:
                with named(hook):
                    await call(hook)
            return stack.pop_all()


def check_lifespan(lifespan: Lifespan | None) -> None:
    """Refuse what is no function that makes an asynchronous context manager."""
    if isasyncgenfunction(lifespan) or iscoroutinefunction(lifespan):
        name = name_of(lifespan)
        raise TypeError(f"lifespan {name}() needs the decorator contextlib.asynccontextmanager")
    if lifespan is not None and not callable(lifespan):
        raise TypeError(f"lifespan is a function of the application, not {lifespan!r}")


def check_hook(name: str, hook: Hook) -> None:
    """Refuse what is no function without arguments; `name` is that of the decorator.

    Raises:
        TypeError: it cannot be called like that, or would do nothing.
    """
    if not callable(hook):
        raise TypeError(f"{name} takes a function, not {hook!r}")
    if has_yield(hook):
        problem = "what goes around all of serving is lifespan= of the application"
        raise TypeError(f"{name} takes a function, and {name_of(hook)}() is a generator: {problem}")
    try:
        signature(hook).bind()
    except ValueError:
        return  # compiled, and silent about what it takes
    except TypeError as error:
        problem = f"{name} calls {name_of(hook)}() without arguments"
        raise TypeError(f"{problem}: {error}") from None


@contextmanager
def named(function: Callable[..., object]) -> Iterator[None]:
    """Add to an exception which function of the user's has not let the application start."""
    try:
        yield
    except Exception as error:
        error.add_note(f"the application has not started: {name_of(function)}() failed")
        raise


async def call(hook: Hook) -> None:
    """Call a user's function, and wait for it where it wants to be waited for."""
    result = hook()
    if isawaitable(result):
        await result
