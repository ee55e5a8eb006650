"""The compiled way in, for the streams of the native engine."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from trunkline.connection.events import Events
from trunkline.connection.lane import footing_for, lane_type
from trunkline.connection.setting import Setting
from trunkline.engines.choose import entrance_class
from trunkline.engines.engine import Stream
from trunkline.protocol.http1 import reread_request
from trunkline.server.beginning import start, undo
from trunkline.server.connection import ServerConnection
from trunkline.server.handler import EventsSource, is_plain_class, make_events
from trunkline.server.opening import Opening
from trunkline.server.options import ServerOptions
from trunkline.server.reception import open_reception
from trunkline.server.watch import Watch

if TYPE_CHECKING:
    from trunkline.native.arrival import Entrance

Decline = Callable[[Stream, float], Opening]
"""Makes an opening of a stream, and of how many seconds it has waited."""


def open_entrance(
    setting: Setting, options: ServerOptions, watch: Watch, decline: Decline
) -> Entrance | None:
    """Make the entrance of a server, where its engine can have one and no hook is in the way.

    Args:
        setting: of the connections.
        options: the server's.
        watch: told of the connections.
        decline: takes the streams that the entrance does not open.
    """
    kind = entrance_class(setting.engine)
    reception = None if kind is None else open_reception(options)
    if kind is None or reception is None:
        return None
    shared, plain, made = sort_out(options.events)
    coroutine = options.coroutine
    return kind(
        reception,
        setting.engine.timers,
        options.limits.open_timeout,
        options.limits.write_limit,
        decline=decline,
        kind=lane_type(ServerConnection),
        footing_for=partial(footing_for, setting),
        opened=watch.opened,
        start=None if coroutine is None else partial(start, watch, options, coroutine),
        undo=partial(undo, watch, options),
        shared_events=shared,
        events_kind=plain,
        events_for=made,
    )


def sort_out(
    source: EventsSource | None,
) -> tuple[Events | None, type[Events] | None, Callable[[bytes], Events] | None]:
    """Give an instance for all, or a class that needs no request, or what needs its head."""
    if source is None or isinstance(source, Events):
        return source, None, None
    if is_plain_class(source):
        return None, source, None
    return None, None, partial(read_and_make, source)


def read_and_make(source: EventsSource, head: bytes) -> Events:
    """Make events for a request that is plain, without its empty line."""
    return make_events(source, reread_request(head))
