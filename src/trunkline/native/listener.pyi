from collections.abc import Callable

from trunkline.native.poller import Pollable, Poller

class Acceptor:
    """Takes connections without an object for their descriptors."""

class ListeningSocket(Pollable):
    """A listening socket in the poller."""

    def __init__(
        self,
        poller: Poller,
        fd: int,
        accepted: Callable[[int], object] | Acceptor,
        retry: Callable[[OSError], object],
    ) -> None: ...
    def resume(self) -> None:
        """Accept, from now on or again."""
    def close(self) -> None:
        """Accept no more."""
