"""What connections have in common, kept once for all of them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from trunkline.connection.mistake import mistakes_of
from trunkline.connection.traffic import Traffic, new_traffic
from trunkline.engines.engine import Engine
from trunkline.limits import Limits
from trunkline.protocol.handshake import Agreement
from trunkline.protocol.role import Role


@dataclass(frozen=True, slots=True)
class Setting:
    """The same for every connection of a server, or for one of a client.

    Args:
        engine: keeps the time.
        role: which side this is.
        limits: times and sizes.
        logger: told of what nobody else is told of.
        when_lost: called with a connection, last of all, when its stream is gone.
        when_dropped: called with a connection and a message of its peer's that was above a rate,
            and was dropped.
        when_timed: called with each round trip that a pong has given, in seconds.
    """

    engine: Engine
    role: Role
    limits: Limits
    logger: logging.Logger
    when_lost: Callable[[Any], None] | None = None
    when_dropped: Callable[[Any, str | bytes], None] | None = None
    when_timed: Callable[[float], None] | None = None
    footings: dict[Agreement, Any] = field(default_factory=dict, compare=False, repr=False)
    """Of compiled connections: what follows from this, by what was agreed on."""
    traffic: Traffic = field(default_factory=new_traffic, compare=False, repr=False)
    """What has gone through these connections."""

    @property
    def mistakes(self) -> tuple[type[BaseException], ...]:
        """What a handler may raise at the cost of its connection alone."""
        return mistakes_of(self.role)
