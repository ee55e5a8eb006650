"""What one process of an application does at this moment, in numbers and words that JSON knows."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from trunkline.engines.choose import engine_info
from trunkline.version import VERSION

if TYPE_CHECKING:
    from trunkline.app.app import App
    from trunkline.app.connection import AppConnection

Snapshot = dict[str, Any]

TRAFFIC = (
    *("messages_received", "messages_sent", "bytes_received", "bytes_sent"),
    *("control_received", "dropped", "discarded", "paused", "closed"),
)
"""What is counted for all connections of a route."""

QUANTILES = (0.5, 0.99, 1.0)
"""Of round trips: what is usual, what is bad, and the worst."""

STATM = "/proc/self/statm"


def take_snapshot(app: App) -> Snapshot:
    """Look at an application: a microsecond for each connection, and nothing for messages."""
    services = app.services
    return {
        "worker": worker_of(app),
        "pid": os.getpid(),
        "version": VERSION,
        "engine": engine_info().engine,
        "uptime": max((service.now() - service.started_at for service in services), default=0.0),
        "is_ready": all(service.is_ready for service in services),
        "memory": resident_bytes(),
        "lag": app.loop_lag.worst,
        "connections": sum(1 for service in services for _ in service.websockets()),
        "routes": describe_routes(app),
        "topics": describe_topics(app),
        **app.tally.describe(),
    }


def worker_of(app: App) -> int:
    """Give the number of this process among those of its application, from 1."""
    number: int = getattr(getattr(app, "peers", None), "number", 1)
    return number


def resident_bytes() -> int | None:
    """Give the memory of this process; `None` where the system does not say."""
    try:
        with open(STATM, encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None


# Routes


def describe_routes(app: App) -> dict[str, dict[str, Any]]:
    """Give connections, queues and traffic of each route that WebSockets can come to."""
    present: dict[str, list[AppConnection]] = {
        route.path.template: [] for route in app.routes if not route.methods
    }
    for service in app.services:
        for connection in service.websockets():
            present[connection.visit.route or ""].append(connection)
    return {
        route: describe_connections(connections)
        | describe_traffic(app, route)
        | {"round_trip_seconds": app.tally.round_trips[route].describe()}
        for route, connections in present.items()
    }


def describe_connections(connections: Sequence[AppConnection]) -> dict[str, Any]:
    """Say how many there are, what waits to be sent, and how far they are away."""
    unsent = [(each.buffered_amount, each._setting.limits.write_limit) for each in connections]
    round_trips = sorted(each.latency for each in connections if each.latency)
    return {
        "connections": len(unsent),
        "unsent": sum(waiting for waiting, _ in unsent),
        "slow": sum(waiting > limit for waiting, limit in unsent),
        "round_trips": {str(share): quantile(round_trips, share) for share in QUANTILES},
    }


def quantile(values: list[float], share: float) -> float | None:
    """Give the value which so large a share of the sorted `values` does not exceed."""
    return values[math.ceil(share * len(values)) - 1] if values else None


def describe_traffic(app: App, route: str) -> dict[str, int]:
    """Give what has gone through the connections of a route."""
    settings = [service.settings[route] for service in app.services if route in service.settings]
    return {name: sum(getattr(setting.traffic, name) for setting in settings) for name in TRAFFIC}


# Topics


def describe_topics(app: App) -> dict[str, dict[str, Any]]:
    """Give subscribers, deliveries and drops of each topic that the application names."""
    return {
        name: {
            "subscribers": len(topic),
            "delivered": topic.delivered,
            "drops": dict(topic.drops),
        }
        for name, topic in app.topics.items()
    }
