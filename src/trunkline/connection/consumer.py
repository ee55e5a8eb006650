"""Where a link delivers."""

from __future__ import annotations

from typing import Protocol

Data = str | bytes
"""A message: `str` is text, `bytes` is binary."""


class Consumer(Protocol):
    """Takes messages in their order: an inbox for `recv()`, or a user's `Events`."""

    def opened(self) -> None:
        """The opening handshake is done."""

    def message(self, data: Data) -> None:
        """A message arrived."""

    def ping(self, payload: bytes) -> None:
        """A ping arrived; it is being answered."""

    def pong(self, payload: bytes) -> None:
        """A pong arrived."""

    def drained(self) -> None:
        """The unsent bytes have fallen below low water."""

    def is_settled(self) -> bool:
        """Whether everything that was delivered has been dealt with."""

    def ended(self) -> None:
        """No more messages will come."""

    def lost(self) -> None:
        """The stream is gone."""

    def discard(self) -> int:
        """Take no more messages, and drop those that wait; say how many that was."""


class Owner(Protocol):
    """Whose link it is: a connection."""

    @property
    def consumer(self) -> Consumer:
        """What takes the messages."""
