"""What waits for a slow peer: whole messages, in order, and no more than a limit."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from enum import StrEnum

from trunkline.connection.shared_message import SharedMessage
from trunkline.limits import WAITING_OVERHEAD


class Overflow(StrEnum):
    """What becomes of messages that wait for a slow peer, when there are too many."""

    DROP_NEWEST = "drop_newest"
    """What comes while there is no room is dropped."""

    DROP_OLDEST = "drop_oldest"
    """What has waited longest makes room."""

    CONFLATE = "conflate"
    """Of messages with one key only the newest is kept; then as `DROP_OLDEST`."""

    DISCONNECT = "disconnect"
    """The connection is given up: the peer comes back and begins anew."""


class BacklogFull(Exception):
    """The peer is to be disconnected; the text says how much waits for it."""


class Backlog:
    """Messages that wait; what is kept is never reordered.

    Args:
        overflow: what to do above the limit.
        limit: bytes of payload, each message counting for `WAITING_OVERHEAD` more.
    """

    def __init__(self, overflow: Overflow, limit: int) -> None:
        self.overflow = overflow
        self.limit = limit
        self.size = 0
        """Bytes that count."""
        self._messages: OrderedDict[Hashable, SharedMessage] = OrderedDict()

    def __len__(self) -> int:
        return len(self._messages)

    def add(self, message: SharedMessage) -> int:
        """Let a message wait; say how many were dropped, which may be this one.

        Raises:
            BacklogFull: there is no room, and the peer is to be disconnected.
        """
        size = size_of(message)
        if self.overflow is Overflow.DISCONNECT and self.size + size > self.limit:
            raise BacklogFull(f"{self.size + size:,} bytes wait, limit {self.limit:,}")
        if size > self.limit:
            return 1
        name: Hashable = message
        dropped = 0
        if self.overflow is Overflow.CONFLATE and message.key is not None:
            name = message.key
            dropped += self._drop(name)
        if self.overflow in (Overflow.DROP_OLDEST, Overflow.CONFLATE):
            dropped += self._make_room(size)
        elif self.size + size > self.limit:
            return 1
        self._messages[name] = message
        self.size += size
        return dropped

    def take(self) -> SharedMessage:
        """Take out what has waited longest."""
        _, message = self._messages.popitem(last=False)
        self.size -= size_of(message)
        return message

    def copy(self) -> Backlog:
        """Let the same messages wait somewhere else, too."""
        other = Backlog(self.overflow, self.limit)
        other.size, other._messages = self.size, self._messages.copy()
        return other

    def clear(self) -> None:
        """Drop everything."""
        self._messages.clear()
        self.size = 0

    def _drop(self, name: Hashable) -> int:
        message = self._messages.pop(name, None)
        if message is None:
            return 0
        self.size -= size_of(message)
        return 1

    def _make_room(self, size: int) -> int:
        dropped = 0
        while self.size + size > self.limit:
            self.take()
            dropped += 1
        return dropped


def size_of(message: SharedMessage) -> int:
    """Give the bytes that a waiting message counts for."""
    return len(message.payload) + WAITING_OVERHEAD
