"""How an application is run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from trunkline.app.listening.certificate import Certificate
from trunkline.app.listening.failure import StartFailure
from trunkline.app.listening.place import Place
from trunkline.limits import RELOAD_DRAIN, Drain

LoopFactory = Callable[[], asyncio.AbstractEventLoop]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What `App.run()` and `trunkline serve` were told.

    Args:
        place: where to listen.
        certificate: `None` serves in the clear.
        workers: processes that serve.
        reload: whether they are started again when a file has changed.
        uvloop: whether they run on uvloop.
        window: seconds over which connections are asked to leave, instead of the application's.

    Raises:
        TypeError: the number of workers is none.
        ValueError: there would be no worker.
    """

    place: Place
    certificate: Certificate | None = None
    workers: int = 1
    reload: bool = False
    uvloop: bool = False
    window: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.workers, int) or isinstance(self.workers, bool):
            raise TypeError(f"workers is a whole number, not {self.workers!r}")
        if self.workers < 1:
            raise ValueError(f"workers is {self.workers}, it must be at least 1")

    @property
    def is_supervised(self) -> bool:
        """Whether there is a supervisor, and the work is done in other processes."""
        return self.workers > 1 or self.reload

    def drain_of(self, drain: Drain) -> Drain:
        """Say how connections are asked to leave.

        Args:
            drain: as the application says.
        """
        if self.reload:
            return RELOAD_DRAIN
        return drain if self.window is None else replace(drain, window=self.window)

    @property
    def scheme(self) -> str:
        """The scheme of the addresses."""
        return "http" if self.certificate is None else "https"


def loop_factory(uvloop: bool) -> LoopFactory | None:
    """Give what makes the loop: uvloop where that is asked for, `None` for asyncio's own.

    Raises:
        StartFailure: it is not installed.
    """
    if not uvloop:
        return None
    try:
        from uvloop import new_event_loop
    except ImportError:
        raise StartFailure("uvloop is not installed: pip install 'trunkline[uvloop]'") from None
    factory: LoopFactory = new_event_loop
    return factory
