"""Subscribers of a topic that keep up, and whose frames are the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trunkline.connection.form import Form
from trunkline.connection.shared_message import SharedMessage
from trunkline.connection.traffic import Traffic
from trunkline.engines.choose import FanOut
from trunkline.engines.engine import Stream

if TYPE_CHECKING:
    from trunkline.connection.subscription import Subscription


class Group:
    """Sends to all its members at once.

    Args:
        form: of the frames of every member.
        fan_out: sends on streams of their kind.
        traffic: counts what is sent to members.
    """

    def __init__(self, form: Form, fan_out: FanOut, traffic: Traffic) -> None:
        self._form = form
        self._fan_out = fan_out
        self._traffic = traffic
        self._members: dict[Stream, Subscription] = {}
        self.sent = 0
        """Messages since the beginning: what a member was sent is a difference of two of these."""

    def __len__(self) -> int:
        return len(self._members)

    def add(self, subscription: Subscription) -> None:
        """Take a member in."""
        self._members[subscription.outbox.stream] = subscription
        subscription.group, subscription.joined_at = self, self.sent

    def remove(self, subscription: Subscription) -> None:
        """Let a member go."""
        del self._members[subscription.outbox.stream]

    def members(self) -> Sequence[Subscription]:
        """Give the members of now."""
        return tuple(self._members.values())

    def send(self, messages: Sequence[SharedMessage]) -> list[Subscription]:
        """Send to every member that has room; let go those that have not, and give them."""
        data = b"".join([message.frame(self._form) for message in messages])
        left = [self._members[stream] for stream in self._fan_out(tuple(self._members), data)]
        for subscription in left:
            subscription.leave_group()
            # What waits in a topic is kept once for all, what a stream holds for each.
            subscription.outbox.stream.pause_early()
        self.sent += len(messages)
        self._traffic.messages_sent += len(messages) * len(self)
        self._traffic.bytes_sent += len(data) * len(self)
        return left
