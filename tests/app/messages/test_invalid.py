"""What becomes of a message that its schema does not take."""

import json
from typing import Any

import pytest

from trunkline import State
from trunkline.app.messages.invalid import Invalid, turn_down
from trunkline.app.messages.schema import Unfit


class Peer:
    """Takes note of what a connection is told to do."""

    def __init__(self, state: State = State.OPEN) -> None:
        self.state = state
        self.seen: list[Any] = []

    def send_soon(self, message: str) -> None:
        self.seen.append(json.loads(message))

    def close_soon(self, code: int, reason: str) -> None:
        self.seen.append((code, reason))


@pytest.mark.parametrize(
    ("invalid", "seen"),
    [
        (Invalid.REPLY, {"error": "Expected `int`"}),
        (Invalid.CLOSE_1007, (1007, "Expected `int`")),
        (Invalid.CLOSE_1008, (1008, "Expected `int`")),
    ],
)
def test_the_route_says_what_becomes_of_it(invalid: Invalid, seen: object) -> None:
    peer: Any = Peer()
    turn_down(peer, Unfit("Expected `int`"), invalid)
    assert peer.seen == [seen]


def test_a_reason_fits_into_a_close_frame() -> None:
    peer: Any = Peer()
    turn_down(peer, Unfit("é" * 150), Invalid.CLOSE_1008)
    assert len(peer.seen[0][1].encode()) <= 123


def test_whoever_has_left_is_told_nothing() -> None:
    peer: Any = Peer(State.CLOSING)
    turn_down(peer, Unfit("?"), Invalid.REPLY)
    assert peer.seen == []
