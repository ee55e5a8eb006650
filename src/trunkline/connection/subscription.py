"""One connection's part in a topic: what waits for it, and what became of the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trunkline.connection.backlog import Backlog, BacklogFull
from trunkline.connection.connection import Connection
from trunkline.connection.shared_message import SharedMessage

if TYPE_CHECKING:
    from trunkline.connection.cohort import Cohort
    from trunkline.connection.group import Group
    from trunkline.connection.topic import Topic

LEFT = "left"
"""Why messages are lost that no policy drops: whoever they were for has gone."""


class Subscription:
    """What `Topic.subscribe()` gives; it stays readable after the end.

    Args:
        topic: where the messages come from.
        connection: where they go to.
        backlog: where they wait while the peer does not read.
    """

    __slots__ = (
        "_backlog",
        "_by_group",
        "_by_itself",
        "_dropped",
        "_due",
        "_last_loss",
        "_topic",
        "cohort",
        "connection",
        "group",
        "is_over",
        "joined_at",
        "outbox",
        "skipped",
    )

    def __init__(self, topic: Topic, connection: Connection, backlog: Backlog) -> None:
        self._topic = topic
        self._backlog = backlog
        self._by_group = 0
        self._by_itself = 0
        self._due = 0
        self._dropped = 0
        self._last_loss: str = LEFT
        self.connection = connection
        """Who is subscribed."""
        self.outbox = connection._outbox
        self.is_over = False
        """Whether it was ended, or its connection was."""
        self.cohort: Cohort | None = None
        self.group: Group | None = None
        self.joined_at = 0
        self.skipped = 0

    @property
    def delivered(self) -> int:
        """Messages that were handed to the stream."""
        in_group = 0 if self.group is None else self.group.sent - self.joined_at
        return self._by_group + self._by_itself + in_group

    @property
    def dropped(self) -> int:
        """Messages that were published for it and not sent: by the policy, or at its end."""
        return self._dropped + (0 if self.cohort is None else self.cohort.dropped)

    @property
    def waiting(self) -> int:
        """Messages that wait until the peer reads."""
        return len(self.backlog)

    @property
    def waiting_bytes(self) -> int:
        """What these count for against the limit."""
        return self.backlog.size

    # Called by the link

    def held(self) -> None:
        """Let messages wait for the end of a fragmented one."""
        self._topic.part(self)

    def drained(self) -> None:
        """Go on soon, after those who wait in `send()`."""
        if self.group is None:
            self._topic.part(self)
            self._topic.call_soon()

    def ending(self) -> None:
        """Leave the topic."""
        self._topic.leave(self)

    # Called by the topic

    @property
    def backlog(self) -> Backlog:
        """What waits, for it alone or for others, too."""
        return self._backlog if self.cohort is None else self.cohort.backlog

    @property
    def keeps_up(self) -> bool:
        """Whether nothing waits, and need not."""
        return not self.backlog and self.outbox.has_room

    @property
    def is_held_up(self) -> bool:
        """Whether a whole tick will have to wait, and is the first to do so."""
        return not (self.backlog or self.skipped or self.outbox.has_room)

    def leave_group(self) -> None:
        """Be sent to by itself from now on."""
        if self.group is not None:
            self._by_group += self.group.sent - self.joined_at
            self.group.remove(self)
            self.group = None

    def leave_cohort(self) -> None:
        """Wait by itself from now on, for the same messages."""
        if self.cohort is not None:
            self._backlog = self.cohort.backlog.copy()
            self._forget_cohort(self.cohort)

    def _forget_cohort(self, cohort: Cohort) -> None:
        self._due += cohort.due
        self._dropped += cohort.dropped
        cohort.remove(self)
        self.cohort = None

    def deliver(self, messages: Sequence[SharedMessage]) -> None:
        """Send what waits, then `messages`, as far as there is room; let the rest wait.

        Raises:
            BacklogFull: the peer is to be disconnected.
        """
        messages = messages[self.skipped :]
        self.skipped = 0
        self._due += len(messages)
        while self._backlog and self.outbox.has_room:
            self._send(self._next_piece())
        pieces = [messages] if self.outbox.form is not None else [[one] for one in messages]
        for piece in pieces:
            if self._backlog or not self.outbox.has_room:
                self._wait(piece)
            else:
                self._send(piece)

    def overflowed(self) -> None:
        """Take note that what it will not get is lost by its policy."""
        self._last_loss = self._backlog.overflow

    def missed(self, messages: Sequence[SharedMessage]) -> None:
        """Count what was to be sent together with others, and may not have been."""
        self._drop(len(messages), LEFT)
        self._due += len(messages)

    def end(self, pending: Sequence[SharedMessage]) -> None:
        """Send what is pending, where there is room, and count what is lost.

        Args:
            pending: what was published in this round.
        """
        self.is_over = True
        why = self._last_loss  # and not that of the very last messages
        if self.cohort is not None or not self.outbox.can_send:
            self._due += len(pending) - self.skipped
        elif pending:
            self._deliver_last(pending)
        if self.cohort is not None:
            self._forget_cohort(self.cohort)
        self._drop(self._due - self._by_itself - self._dropped, why)
        self._backlog.clear()

    def _deliver_last(self, pending: Sequence[SharedMessage]) -> None:
        try:
            self.deliver(pending)
        except BacklogFull:
            pass  # it is gone, and counted with the rest
        except Exception:
            self.connection.logger.exception("the last messages of a topic could not be sent")

    def _next_piece(self) -> list[SharedMessage]:
        """Take what fits into one write; one message where it is encoded for itself."""
        limit = 0 if self.outbox.form is None else self.outbox.write_limit
        piece = [self._backlog.take()]
        size = len(piece[0].payload)
        while self._backlog and size < limit:
            piece.append(self._backlog.take())
            size += len(piece[-1].payload)
        return piece

    def _send(self, messages: Sequence[SharedMessage]) -> None:
        if messages:
            self.outbox.send_all(messages)
            self._by_itself += len(messages)
            self._topic.delivered += len(messages)

    def _wait(self, messages: Sequence[SharedMessage]) -> None:
        policy = self._backlog.overflow
        try:
            for message in messages:
                self._drop(self._backlog.add(message), policy)
        except BacklogFull:
            self.overflowed()
            raise

    def _drop(self, count: int, why: str) -> None:
        self._dropped += count
        self._topic.count_dropped(count, why)
