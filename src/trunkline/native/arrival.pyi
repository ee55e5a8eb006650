from collections.abc import Callable
from typing import Any

from trunkline.engines.timer_wheel import TimerWheel
from trunkline.native.footing import Footing
from trunkline.native.listener import Acceptor
from trunkline.native.opening import Reception

class Entrance(Acceptor):
    """Where the streams of a server arrive: opens who is plain, and leaves the others to openings.

    Args:
        reception: knows what to answer.
        timers: keep the deadlines.
        open_timeout: seconds for a request to arrive; `None` for no deadline.
        write_limit: high water of the streams, in bytes.
        decline: makes an opening of a stream, and of how many seconds it has waited.
        kind: the class of the connections, a subclass of `Lane`.
        footing_for: gives what connections stand on that have agreed on this.
        opened: told of each connection, before it opens.
        start: called with each connection once it is open; `None` for nothing.
        undo: called with a connection where an exception, which is being handled, came before.
        shared_events: takes the messages of all connections.
        events_kind: a class that takes the messages, with one instance for each connection.
        events_for: makes what takes the messages from the head of a request.
    """

    reception: Reception

    def __init__(
        self,
        reception: Reception,
        timers: TimerWheel,
        open_timeout: float | None,
        write_limit: int,
        *,
        decline: Callable[[Any, float], Any],
        kind: type,
        footing_for: Callable[[Any], Footing],
        opened: Callable[[Any], None],
        start: Callable[[Any], object] | None,
        undo: Callable[[Any], None],
        shared_events: object = None,
        events_kind: type | None = None,
        events_for: Callable[[bytes], object] | None = None,
    ) -> None: ...
    def __call__(self, stream: Any) -> Any:
        """Take a stream in; its receiver, if it has one."""
    @property
    def count(self) -> int:
        """How many streams have said nothing yet."""
    def close(self) -> None:
        """Let openings refuse who is waiting, and who comes from now on."""
