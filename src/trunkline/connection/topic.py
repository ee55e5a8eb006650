"""A topic: what is published there reaches every subscriber, none waits for a slow one."""

from __future__ import annotations

from asyncio import _get_running_loop
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from threading import get_ident

from trunkline.connection.backlog import Backlog, BacklogFull, Overflow, size_of
from trunkline.connection.cohort import Cohort
from trunkline.connection.connection import Connection
from trunkline.connection.evictions import Evictions
from trunkline.connection.form import Form
from trunkline.connection.fragments import DataLike
from trunkline.connection.group import Group
from trunkline.connection.shared_message import SharedMessage
from trunkline.connection.subscription import Subscription
from trunkline.connection.traffic import Traffic
from trunkline.engines.choose import FanOut, fan_out_for
from trunkline.engines.engine import Engine, elsewhere
from trunkline.errors import UsageError
from trunkline.limits import MAX_BACKLOG, NOT_SENT_TO_MANY, TICK_BUFFER, check_number


class Topic:
    """Connections that get the same messages; all of one event loop.

    What is published leaves at the end of the loop's round, or once there are 64 KiB, in one write
    for each subscriber; a message that is sent directly may overtake it. Messages for a peer to
    whom the last one has not left yet wait, up to `max_backlog`, and so does `await send()`. What
    becomes of the rest is said by `overflow`. Whole messages are dropped, what is kept is never
    reordered, and everything is counted.

    Args:
        overflow: "drop_newest", "drop_oldest", "conflate" by key, or "disconnect" with code 1013,
            after which a client may come back.
        max_backlog: bytes that wait for one subscriber, each message counting for 128 more.

    Raises:
        TypeError: the bytes are no whole number.
        ValueError: there is no such policy, or the bytes are negative.
    """

    def __init__(
        self, *, overflow: Overflow | str = Overflow.DISCONNECT, max_backlog: int = MAX_BACKLOG
    ) -> None:
        self._overflow = Overflow(overflow)
        check_number("max_backlog", max_backlog, int)
        self._max_backlog = max_backlog
        self.delivered = 0
        """Messages that were handed to a stream, counted for each subscriber."""
        self.dropped = 0
        """Messages that a subscriber did not get: by the policy, or because it was leaving."""
        self.drops: Counter[str] = Counter()
        """The same by their reason: that of an `Overflow`, or "left" at the end of a subscriber."""
        self._engine: Engine | None = None
        self._thread = 0
        self._subscriptions: dict[Connection, Subscription] = {}
        self._groups: dict[tuple[Form, FanOut, Traffic], Group] = {}
        self._cohorts: dict[tuple[Overflow, int, int], Cohort] = {}
        self._apart: dict[Subscription, None] = {}
        self._evictions = Evictions()
        self._tick: list[SharedMessage] = []
        self._tick_size = 0
        self._tick_number = 0
        self._is_called_soon = False

    def __len__(self) -> int:
        return len(self._subscriptions)

    def __iter__(self) -> Iterator[Connection]:
        return iter(tuple(self._subscriptions))

    def __contains__(self, connection: object) -> bool:
        return connection in self._subscriptions

    def subscribe(
        self,
        connection: Connection,
        *,
        overflow: Overflow | str | None = None,
        max_backlog: int | None = None,
    ) -> Subscription:
        """Send what is published from now on to `connection`, until it ends.

        A connection that is subscribed already keeps its subscription as it is.

        Args:
            connection: an open one.
            overflow: the policy for this subscriber, where it is not the topic's.
            max_backlog: bytes that wait for this subscriber, where it is not as in the topic.

        Returns:
            What became of the messages, for this subscriber.

        Raises:
            ConnectionClosed: the connection has ended or is ending.
            TypeError: it is no connection, or the bytes are no whole number.
            UsageError: the other subscribers live in another event loop, or another loop runs now
                than that of the connection.
            ValueError: there is no such policy, or the bytes are negative.
        """
        known = self._subscriptions.get(connection)
        if known is not None:
            return known
        if not isinstance(connection, Connection):
            raise TypeError(f"subscribe() takes a connection, not {connection!r}")
        limit = self._max_backlog if max_backlog is None else max_backlog
        check_number("max_backlog", limit, int)
        backlog = Backlog(self._overflow if overflow is None else Overflow(overflow), limit)
        link = connection._link
        # Who has missed messages comes back on another connection, and knows of it.
        self._evictions.hasten(link)
        link.check_open()
        self._use(link.engine)
        link.stream.limit_unsent(NOT_SENT_TO_MANY)
        subscription = Subscription(self, connection, backlog)
        # What was published before is not for it.
        subscription.skipped = len(self._tick)
        self._subscriptions[connection] = subscription
        self._apart[subscription] = None
        link.follow(subscription)
        if not self._tick:
            self._join(subscription)
        return subscription

    def unsubscribe(self, connection: Connection) -> None:
        """Send nothing more to `connection`; what still waits for it is dropped, and counted."""
        subscription = self._subscriptions.get(connection)
        if subscription is not None:
            connection._link.unfollow(subscription)
            self.leave(subscription)

    def publish(
        self,
        message: DataLike,
        key: Hashable | None = None,
        *,
        text: bool | None = None,
        compress: bool = True,
    ) -> None:
        """Send a message to all who are subscribed now, without waiting.

        Args:
            message: `str` is sent as text, anything like bytes as binary.
            key: what it is about; with "conflate" it replaces what waits with the same key.
            text: `True` sends as text and `False` as binary, whatever the type.
            compress: whether to compress, where that was agreed on.

        Raises:
            TypeError: it is no message of one piece.
            UsageError: it was called on another thread than that of the subscribers.
            ValueError: what is to be sent as text is no text.
        """
        shared = SharedMessage(message, text=text, compress=compress, key=key)
        if self._engine is None or not self._subscriptions:
            return
        # To ask which loop runs takes a system call in Python 3.11.
        if self._thread != get_ident():
            self._check_loop(self._engine, "publish()")
        self._tick.append(shared)
        self._tick_size += size_of(shared)
        if self._tick_size >= TICK_BUFFER:
            self._flush()
        else:
            self.call_soon()

    # Called by subscriptions

    def call_soon(self) -> None:
        """Send what there is at the end of this round."""
        if not self._is_called_soon:
            assert self._engine is not None
            self._engine.call_soon(self._end_tick)
            self._is_called_soon = True

    def part(self, subscription: Subscription) -> None:
        """Send to this one by itself for a while."""
        subscription.leave_group()
        subscription.leave_cohort()
        self._apart[subscription] = None

    def leave(self, subscription: Subscription) -> None:
        """Let a subscriber go; what was published before goes before, where there is room."""
        self._remove(subscription)
        subscription.end(self._tick)

    def count_dropped(self, count: int, why: str) -> None:
        """Count messages that a subscriber does not get."""
        self.dropped += count
        if count:
            self.drops[str(why)] += count

    # Inside

    def _check_loop(self, engine: Engine, call: str) -> None:
        if engine.loop is not _get_running_loop():
            raise elsewhere(call)
        self._thread = get_ident()

    def _use(self, engine: Engine) -> None:
        if self._subscriptions and engine is not self._engine:
            raise UsageError("the subscribers of a topic all live in one event loop")
        self._check_loop(engine, "subscribe()")
        if engine is not self._engine:
            # What a loop has not done when it ends, it never does.
            self._engine, self._evictions, self._is_called_soon = engine, Evictions(), False

    def _remove(self, subscription: Subscription) -> None:
        self._subscriptions.pop(subscription.connection, None)
        self._apart.pop(subscription, None)
        subscription.leave_group()

    def _end_tick(self) -> None:
        self._is_called_soon = False
        self._flush()

    def _flush(self) -> None:
        tick, self._tick, self._tick_size = self._tick, [], 0
        self._tick_number += 1
        try:
            self._deliver_to_each(tick)
        except Exception:
            # Nobody knows who got it.
            while self._subscriptions:
                self._cut(next(iter(self._subscriptions)))

    def _deliver_to_each(self, tick: Sequence[SharedMessage]) -> None:
        apart = list(self._apart)
        if tick:
            self._cohorts = {kind: cohort for kind, cohort in self._cohorts.items() if cohort}
            for cohort in self._cohorts.values():
                self._let_wait(cohort, tick)
            for group in self._groups.values():
                apart += self._deliver_to_all(group, tick)
        for subscription in apart:
            self._deliver(subscription, tick)

    def _deliver_to_all(
        self, group: Group, messages: Sequence[SharedMessage]
    ) -> list[Subscription]:
        """Send to a group; give those without room. Where it fails, nobody knows who got it."""
        try:
            left = group.send(messages)
        except Exception:
            for subscription in group.members():
                subscription.missed(messages)
                self._cut(subscription.connection)
            return []
        self.delivered += len(messages) * len(group)
        return left

    def _cut(self, connection: Connection) -> None:
        """End a connection that would miss a message without knowing of it."""
        connection.logger.exception("a topic could not send to %r", connection)
        self.unsubscribe(connection)
        connection.abort()

    def _deliver(self, subscription: Subscription, messages: Sequence[SharedMessage]) -> None:
        connection = subscription.connection
        if subscription.is_over:
            return
        try:
            if messages and subscription.is_held_up:
                self._let_wait_with_others(subscription, messages)
                return
            subscription.deliver(messages)
        except BacklogFull as full:
            self._evict(connection, full)
        except Exception:
            self._cut(connection)
        else:
            self._join(subscription)

    def _evict(self, connection: Connection, full: BacklogFull) -> None:
        self.unsubscribe(connection)
        self._evictions.add(connection._link, str(full))

    def _let_wait_with_others(
        self, subscription: Subscription, messages: Sequence[SharedMessage]
    ) -> None:
        """Let it wait together with those who begin to wait with this tick, too."""
        self._apart.pop(subscription, None)
        backlog = subscription.backlog
        kind = backlog.overflow, backlog.limit, self._tick_number
        cohort = self._cohorts.get(kind)
        if cohort:
            cohort.add(subscription)
            self.count_dropped(cohort.dropped, backlog.overflow)
        else:
            cohort = self._cohorts[kind] = Cohort(backlog.overflow, backlog.limit)
            cohort.add(subscription)
            self._let_wait(cohort, messages)

    def _let_wait(self, cohort: Cohort, messages: Sequence[SharedMessage]) -> None:
        try:
            dropped = cohort.wait(messages)
        except BacklogFull as full:
            for subscription in cohort.members():
                subscription.overflowed()
                self._evict(subscription.connection, full)
        except Exception:
            for subscription in cohort.members():
                self._cut(subscription.connection)
        else:
            self.count_dropped(dropped * len(cohort), cohort.backlog.overflow)

    def _join(self, subscription: Subscription) -> None:
        """Send to this one together with others, where that is possible."""
        outbox = subscription.outbox
        if outbox.form is None or not subscription.keeps_up:
            self._apart[subscription] = None
            return
        self._apart.pop(subscription, None)
        kind = outbox.form, fan_out_for(outbox.stream), outbox.traffic
        if kind not in self._groups:
            self._groups[kind] = Group(*kind)
        self._groups[kind].add(subscription)
