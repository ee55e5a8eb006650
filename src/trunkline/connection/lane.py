"""Connections with a fast lane, where the stream is native."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from trunkline import native
from trunkline.close_codes import Close
from trunkline.connection.connection import PLAIN, Connection
from trunkline.connection.consumer import Consumer
from trunkline.connection.ending import Ending
from trunkline.connection.events import Dispatcher, Events
from trunkline.connection.heads import Heads
from trunkline.connection.link import Link
from trunkline.connection.setting import Setting
from trunkline.connection.state import State
from trunkline.engines.choose import deflate_class, mask_keys
from trunkline.engines.engine import Engine, Stream
from trunkline.limits import MOST_TERMS
from trunkline.protocol.endpoint import Endpoint
from trunkline.protocol.handshake import Agreement

if TYPE_CHECKING or native.AVAILABLE:
    from trunkline.native.footing import Footing
    from trunkline.native.lane import Lane, called_directly
    from trunkline.native.meter import Meter, Rates
    from trunkline.native.stream import Stream as NativeStream

Kind = TypeVar("Kind", bound=Connection)

STATES = tuple(State)

kinds: dict[type[Connection], type[Connection]] = {}


def connection_type(kind: type[Kind], stream: Stream) -> type[Kind]:
    """Give `kind`, with a fast lane where `stream` can have one."""
    return lane_type(kind) if native.AVAILABLE and isinstance(stream, NativeStream) else kind


def lane_type(kind: type[Kind]) -> type[Kind]:
    """Give `kind` with a fast lane."""
    if kind not in kinds:
        kinds[kind] = with_lane(kind)
    return cast(type[Kind], kinds[kind])


def footing_for(setting: Setting, agreement: Agreement) -> Footing:
    """Give what connections stand on that agree on the same; it is remembered for the next.

    Args:
        setting: of the connection.
        agreement: what the handshake agreed on.
    """
    footing: Footing | None = setting.footings.get(agreement)
    if footing is None:
        deflate = agreement.deflate
        new_deflate = None if deflate is None else partial(deflate_class(), setting.role, deflate)
        new_meter = partial(Meter, Rates(setting.limits)) if setting.limits.are_metered else None
        footing = Footing(setting, agreement, mask_keys(), new_deflate, new_meter)
        # Strangers choose subprotocols, where a function of the user's lets them.
        if len(setting.footings) < MOST_TERMS:
            setting.footings[agreement] = footing
    return footing


def meter_of(stream: Any) -> Any:
    """Give what stands between a stream and its connection, where the limits have rates."""
    return stream.receiver if isinstance(stream.receiver, Meter) else None


def silence_of(engine: Engine, stream: Stream) -> float:
    """Give the seconds since the peer was heard."""
    return engine.now() - stream.last_heard


def with_lane(kind: type[Connection]) -> type[Connection]:
    """Make the subclass of `kind` whose messages take the fast lane."""

    def __init__(self: Any, setting: Setting, stream: Stream) -> None:
        self._join(footing_for(setting, PLAIN), stream)
        self._heads, self._own_values = Heads(), b""

    def open(self: Any, agreement: Agreement, events: Events | None, received: bytes) -> None:
        self._fold_heads()
        self._begin(footing_for(self._setting, agreement), events, received)

    def _new_link(self: Any, endpoint: Endpoint | None, goodbye: Close | None) -> Link:
        link = Link(self._setting, self._stream)
        link.latency, link.meter = self.latency, meter_of(self._stream)
        if endpoint is not None:
            link.endpoint, link.owner = endpoint, self
        if goodbye is not None:
            link.ending = Ending.answered(goodbye)
            link.is_lost = self._stream.is_lost
            link.when_due = self._stream.abort
        return link

    def _silence(self: Any) -> float:
        return silence_of(self._setting.engine, self._stream)

    def consumer(self: Any) -> Consumer:
        # Messages do not come this way, and an object for all the rest can be made for each.
        inbox: Consumer | None = self.inbox
        return Dispatcher(self._link, self, self.events) if inbox is None else inbox

    members = {
        "__slots__": (),
        "__init__": __init__,
        "open": open,
        "_new_link": _new_link,
        "_silence": _silence,
        "consumer": property(consumer),
        "state": property(lambda connection: STATES[connection._ready_state]),
        "__doc__": kind.__doc__,
        "__module__": kind.__module__,
        "__qualname__": kind.__qualname__,
    }
    return called_directly(cast(type[Connection], type(kind.__name__, (Lane, kind), members)))
