"""Subscribers of a topic that began to wait at the same time, and read nothing since."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trunkline.connection.backlog import Backlog, Overflow
from trunkline.connection.shared_message import SharedMessage

if TYPE_CHECKING:
    from trunkline.connection.subscription import Subscription


class Cohort:
    """Has one backlog for all its members, so that a thousand cost no more than one.

    Args:
        overflow: the policy of every member.
        limit: bytes that wait for a member.
    """

    def __init__(self, overflow: Overflow, limit: int) -> None:
        self.backlog = Backlog(overflow, limit)
        self._members: dict[Subscription, None] = {}
        self.due = 0
        """Messages that were published for each member."""
        self.dropped = 0
        """Messages that each member will not get."""

    def __len__(self) -> int:
        return len(self._members)

    def add(self, subscription: Subscription) -> None:
        """Take in a member, for which nothing has waited before the first message here."""
        self._members[subscription] = None
        subscription.cohort = self

    def remove(self, subscription: Subscription) -> None:
        """Let a member go."""
        del self._members[subscription]
        if not self._members:
            self.backlog.clear()

    def members(self) -> Sequence[Subscription]:
        """Give the members of now."""
        return tuple(self._members)

    def wait(self, messages: Sequence[SharedMessage]) -> int:
        """Let messages wait for every member; say how many each will not get.

        Raises:
            BacklogFull: there is no room, and the members are to be disconnected.
        """
        self.due += len(messages)
        dropped = sum([self.backlog.add(message) for message in messages])
        self.dropped += dropped
        return dropped
