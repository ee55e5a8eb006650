"""What all servers and clients of a test share: one engine, one clock."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from weakref import WeakKeyDictionary

from trunkline.engines.choose import use_engine
from trunkline.errors import UsageError
from trunkline.testing.clock import Clock
from trunkline.testing.memory_engine import MemoryEngine
from trunkline.testing.watchdog import Watchdog


class Network:
    """The engine and the clock of one loop, as long as anybody needs them.

    Args:
        clock: drives the loop.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.members = 0
        self._stack = ExitStack()
        self.watchdog: Watchdog = self._stack.enter_context(clock.drive())
        self.engine = MemoryEngine(asyncio.get_running_loop())
        self._stack.enter_context(use_engine(self.engine))

    def close(self) -> None:
        """Give the loop back its engine, and its time."""
        self._stack.close()


networks: WeakKeyDictionary[asyncio.AbstractEventLoop, Network] = WeakKeyDictionary()


@contextmanager
def join_network(clock: Clock | None) -> Iterator[Network]:
    """Give the network of the running loop, and make it where there is none.

    Args:
        clock: of the test; `None` for that which is there, or a new one.

    Raises:
        UsageError: the loop has another clock, or is not one of asyncio's own.
    """
    loop = asyncio.get_running_loop()
    network = networks.get(loop)
    if network is None:
        network = networks[loop] = Network(clock or Clock())
    elif clock not in (None, network.clock):
        raise UsageError("a loop has one clock: give every testing.serve() of a test the same")
    network.members += 1
    try:
        yield network
    finally:
        network.members -= 1
        if not network.members:
            del networks[loop]
            network.close()
