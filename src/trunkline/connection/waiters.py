"""Tasks that wait for the same thing."""

from __future__ import annotations

import asyncio


class Waiters:
    """Any number of tasks, woken together; each can be cancelled by itself."""

    __slots__ = ("_futures",)

    def __init__(self) -> None:
        self._futures: set[asyncio.Future[None]] | None = None

    def __bool__(self) -> bool:
        """Whether anybody waits."""
        return bool(self._futures)

    async def wait(self) -> None:
        """Wait for the next `wake()`."""
        future = asyncio.get_running_loop().create_future()
        # Most are never waited on, and an empty set takes 200 bytes.
        if self._futures is None:
            self._futures = set()
        self._futures.add(future)
        try:
            await future
        finally:
            self._futures.discard(future)

    def wake(self) -> None:
        """Let everybody who waits go on; where memory runs out, the next call wakes the rest."""
        while self._futures:
            future = self._futures.pop()
            if not future.done():
                future.set_result(None)
