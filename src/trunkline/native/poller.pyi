from asyncio import AbstractEventLoop
from collections.abc import Callable, Iterator

class Pollable: ...

class Poller:
    """One epoll set under an asyncio loop."""

    def __init__(self, loop: AbstractEventLoop) -> None: ...
    @property
    def loop(self) -> AbstractEventLoop: ...
    @property
    def now(self) -> float: ...
    @property
    def busy_poll(self) -> float: ...
    @property
    def patience(self) -> float: ...
    @property
    def is_idle(self) -> bool: ...
    def call_from_thread(self, callback: Callable[[], object]) -> None:
        """Call `callback` soon on the loop's thread; for any thread."""
    def call_soon(self, callback: Callable[[], object]) -> None:
        """Call `callback` at the end of the batch, or of this round of the loop."""
    def close(self) -> None:
        """Let go of everything; what is still registered is told nothing."""
    def tune_busy_poll(self, seconds: float) -> None:
        """Wait up to `seconds` for more before the loop goes to sleep."""
    def owners(self) -> Iterator[object]:
        """Give the objects that streams are for, also of those whose loss is yet to be told."""
    def __len__(self) -> int: ...
