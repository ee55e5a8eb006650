"""What a link owes to others: most owe nothing all their life."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from trunkline.connection.follower import Follower
from trunkline.connection.waiters import Waiters
from trunkline.errors import PeerError


@dataclass(slots=True, eq=False)
class Debts:
    """What is still to be done for somebody.

    Args:
        pong: payload of the ping that is answered once there is room.
        failure: the peer's mistake, told once the consumer has dealt with what came before.
        when_ended: called when nothing can be sent or received any more.
        room: tasks that wait for low water.
        loss: tasks that wait until the stream is gone.
        followers: told when messages can be sent, and when not, in their order.
    """

    pong: bytes | None = None
    failure: PeerError | None = None
    when_ended: Callable[[], None] | None = None
    room: Waiters = field(default_factory=Waiters)
    loss: Waiters = field(default_factory=Waiters)
    followers: dict[Follower, None] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether anything is owed to anybody."""
        one_of_a_kind = (self.pong, self.failure, self.when_ended)
        return bool(
            any(debt is not None for debt in one_of_a_kind)
            or self.room
            or self.loss
            or self.followers
        )

    # These write only where there is something: one object stands for all who owe nothing.

    def take_pong(self) -> bytes | None:
        """Give the payload of the pong; it is owed no longer."""
        if self.pong is None:
            return None
        payload, self.pong = self.pong, None
        return payload

    def take_failure(self) -> PeerError | None:
        """Give the failure; it is waiting no longer."""
        if self.failure is None:
            return None
        failure, self.failure = self.failure, None
        return failure

    def tell_held(self) -> None:
        """A fragmented message begins: followers wait for its end."""
        for follower in tuple(self.followers):
            follower.held()

    def tell_drained(self) -> None:
        """There is room again."""
        for follower in tuple(self.followers):
            follower.drained()

    def tell_ending(self) -> None:
        """Nothing can be sent any more: the last that followers hear."""
        while self.followers:
            follower = next(iter(self.followers))
            del self.followers[follower]
            follower.ending()


NO_DEBTS = Debts()
"""Of every link that owes nothing; never written to."""
