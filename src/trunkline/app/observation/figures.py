"""The figures of an application: each metric, and where it stands in a snapshot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from trunkline.app.observation.snapshot import Snapshot

Reading = Iterable[tuple[Sequence[str], Any]]
"""Values of labels, and the number that belongs to them."""
Read = Callable[[Snapshot], Reading]


@dataclass(frozen=True, slots=True)
class Figure:
    """One metric.

    Args:
        kind: "gauge", "counter" or "histogram".
        name: without the prefix.
        what: what it means.
        read: takes it out of a snapshot.
        labels: beside that of the worker.
    """

    kind: str
    name: str
    what: str
    read: Read
    labels: Sequence[str] = ()


def single(name: str) -> Read:
    """Read a number without labels, where there is one."""
    return lambda snapshot: [] if snapshot[name] is None else [((), snapshot[name])]


def of_routes(name: str) -> Read:
    """Read a number of each route."""
    return lambda snapshot: [((route,), found[name]) for route, found in snapshot["routes"].items()]


def of_topics(name: str) -> Read:
    """Read a number of each topic."""
    return lambda snapshot: [((topic,), found[name]) for topic, found in snapshot["topics"].items()]


def handshakes(snapshot: Snapshot) -> Reading:
    """Read requests by what became of them."""
    return [((outcome, reason), count) for outcome, reason, count in snapshot["handshakes"]]


def closes(snapshot: Snapshot) -> Reading:
    """Read ends by their codes."""
    return [((code,), count) for code, count in snapshot["closes"].items()]


def inbound_drops(snapshot: Snapshot) -> Reading:
    """Read what peers have sent and no handler was given, by the reason."""
    for route, found in snapshot["routes"].items():
        yield (route, "rate"), found["dropped"]
        yield (route, "dismissed"), found["discarded"]


def drops(snapshot: Snapshot) -> Reading:
    """Read what topics did not deliver, by the reason."""
    for topic, found in snapshot["topics"].items():
        for policy, count in found["drops"].items():
            yield (topic, policy), count


ROUTE, TOPIC = ("route",), ("topic",)

FIGURES = (
    Figure("gauge", "connections", "WebSockets that are open", of_routes("connections"), ROUTE),
    Figure("gauge", "unsent_bytes", "Bytes that wait to be sent", of_routes("unsent"), ROUTE),
    Figure(
        "gauge",
        "slow_connections",
        "WebSockets whose unsent bytes are above write_limit",
        of_routes("slow"),
        ROUTE,
    ),
    Figure(
        "histogram",
        "round_trip_seconds",
        "From a ping of the server to its pong",
        of_routes("round_trip_seconds"),
        ROUTE,
    ),
    Figure(
        "counter",
        "messages_received",
        "Messages that came for handlers, without those above a rate that were dropped",
        of_routes("messages_received"),
        ROUTE,
    ),
    Figure(
        "counter",
        "messages_sent",
        "Messages that were sent, each delivery of a topic as well",
        of_routes("messages_sent"),
        ROUTE,
    ),
    Figure(
        "counter",
        "bytes_received",
        "Bytes of frames that arrived",
        of_routes("bytes_received"),
        ROUTE,
    ),
    Figure(
        "counter", "bytes_sent", "Bytes of frames that were sent", of_routes("bytes_sent"), ROUTE
    ),
    Figure(
        "counter",
        "control_received",
        "Pings and pongs that arrived",
        of_routes("control_received"),
        ROUTE,
    ),
    Figure(
        "counter",
        "messages_dropped",
        "What peers sent and no handler was given: above a rate, or unread at a dismissal",
        inbound_drops,
        (*ROUTE, "reason"),
    ),
    Figure(
        "counter",
        "reading_paused",
        "How often a peer had to wait because of a rate",
        of_routes("paused"),
        ROUTE,
    ),
    Figure(
        "counter",
        "rate_closes",
        "WebSockets that were closed because of a rate",
        of_routes("closed"),
        ROUTE,
    ),
    Figure("counter", "arrivals", "Streams that came", single("arrivals")),
    Figure(
        "counter",
        "handshakes",
        "Requests by outcome; the reason is the step of a refusal, or the status of an answer",
        handshakes,
        ("outcome", "reason"),
    ),
    Figure(
        "counter",
        "tokens_refused",
        "Tokens in messages that were refused",
        single("tokens_refused"),
    ),
    Figure("counter", "closes", "WebSockets that have ended, by close code", closes, ("code",)),
    Figure(
        "histogram",
        "handshake_seconds",
        "From the arrival of a stream to its upgrade",
        single("handshake_seconds"),
    ),
    Figure(
        "histogram",
        "connection_seconds",
        "From the arrival of a stream to the end of its WebSocket",
        single("life_seconds"),
    ),
    Figure("histogram", "loop_lag_seconds", "How late the loop calls back", single("lag_seconds")),
    Figure("gauge", "topic_subscribers", "Subscribers of a topic", of_topics("subscribers"), TOPIC),
    Figure(
        "counter",
        "topic_delivered",
        "Messages that a topic has handed to streams",
        of_topics("delivered"),
        TOPIC,
    ),
    Figure(
        "counter",
        "topic_dropped",
        "Messages that subscribers did not get, by policy",
        drops,
        (*TOPIC, "policy"),
    ),
    Figure("gauge", "resident_memory_bytes", "Memory of the process", single("memory")),
    Figure("gauge", "uptime_seconds", "Since the server was made", single("uptime")),
)
