"""Connections with a fast lane, where the stream is native."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from trunkline import native
from trunkline.connection.connection import Connection
from trunkline.connection.consumer import Consumer
from trunkline.connection.events import Dispatcher, Events
from trunkline.engines.engine import Stream
from trunkline.protocol.endpoint import Endpoint

if TYPE_CHECKING or native.AVAILABLE:
    from trunkline.native.inbox import Inbox
    from trunkline.native.lane import Lane, called_directly
    from trunkline.native.stream import Stream as NativeStream

Kind = TypeVar("Kind", bound=Connection)

# What `Connection` sets: in slots, because a dict for each connection takes 300 bytes. What users
# set goes into the dict that `Lane` makes for the first of it.
FIELDS = (
    "_agreement",
    "_heads",
    "_own_values",
)

kinds: dict[type[Connection], type[Connection]] = {}


def connection_type(kind: type[Kind], stream: Stream) -> type[Kind]:
    """Give `kind`, with a fast lane where `stream` can have one."""
    if native.AVAILABLE and isinstance(stream, NativeStream):
        if kind not in kinds:
            kinds[kind] = with_lane(kind)
        return cast(type[Kind], kinds[kind])
    return kind


def with_lane(kind: type[Connection]) -> type[Connection]:
    """Make the subclass of `kind` whose messages take the fast lane."""

    def _deliver_to(self: Any, events: Events | None, endpoint: Endpoint) -> None:
        link = self._link
        inbox = Inbox(link, link.stream, endpoint) if events is None else None
        self.join(link.stream, endpoint, inbox, events)

    def consumer(self: Any) -> Consumer:
        # Messages do not come this way, and an object for all the rest can be made for each.
        inbox: Consumer | None = self.inbox
        return Dispatcher(self._link, self, self.events) if inbox is None else inbox

    members = {
        "__slots__": FIELDS,
        "_deliver_to": _deliver_to,
        "consumer": property(consumer),
        "__doc__": kind.__doc__,
        "__module__": kind.__module__,
        "__qualname__": kind.__qualname__,
    }
    return called_directly(cast(type[Connection], type(kind.__name__, (Lane, kind), members)))
