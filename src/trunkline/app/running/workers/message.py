"""What supervisor and workers say to each other: one JSON object in each line."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any

from trunkline.limits import LARGEST_CONTROL_LINE

Message = dict[str, Any]


class Say(StrEnum):
    """The kinds of messages."""

    # To a worker
    WELCOME = "welcome"
    """The first one, with the key that all workers share."""
    ROLL = "roll"
    """A successor is ready: drain."""
    DRAIN = "drain"
    """Everything ends: drain."""
    CUT = "cut"
    """Everything ends now."""
    ANSWER = "answer"
    """To the question with the same `id`."""
    TAKE_SNAPSHOT = "take snapshot"

    # To the supervisor
    READY = "ready"
    FAILED = "failed"
    """It cannot be started; `why` is one sentence."""
    SPEND = "spend"
    """Was this ticket used?"""
    SNAPSHOTS = "snapshots"
    """What do all workers do?"""
    SNAPSHOT = "snapshot"

    # Passed on to all others
    DISCONNECT = "disconnect"


def encode(say: Say, **what: Any) -> bytes:
    """Make the line of a message."""
    return json.dumps({"say": say, **what}, separators=(",", ":")).encode() + b"\n"


class Lines:
    """Makes messages of bytes, however these are cut."""

    def __init__(self) -> None:
        self._begun = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """Give the messages that are whole by now; raise `ValueError` where that is none."""
        self._begun += data
        *whole, begun = self._begun.split(b"\n")
        self._begun = begun
        if len(begun) > LARGEST_CONTROL_LINE:
            raise ValueError(f"message is {len(begun):,} bytes, limit {LARGEST_CONTROL_LINE:,}")
        return [json.loads(line) for line in whole]
