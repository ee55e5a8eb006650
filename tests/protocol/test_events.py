"""Events: values that are compared, kept and not changed."""

from dataclasses import FrozenInstanceError
from typing import get_args

import pytest

from trunkline.errors import ProtocolError
from trunkline.protocol.events import Binary, Close, Event, Failed, Ping, Pong, Text

ERROR = ProtocolError("opcode 0x3 is reserved")
SAMPLES: list[Event] = [
    Text("Hello"),
    Binary(b"Hello"),
    Ping(b"Hello"),
    Pong(b"Hello"),
    Close(1000, "Hello"),
    Failed(ERROR),
]


def test_these_are_all_the_events_there_are() -> None:
    assert {type(event) for event in SAMPLES} == set(get_args(Event))


@pytest.mark.parametrize("event", SAMPLES)
def test_an_event_equals_no_other_one(event: Event) -> None:
    assert [event == other for other in SAMPLES].count(True) == 1


@pytest.mark.parametrize(
    ("event", "name"),
    [
        (Text("Hello"), "data"),
        (Binary(b"Hello"), "data"),
        (Ping(b"Hello"), "payload"),
        (Pong(b"Hello"), "payload"),
        (Close(1000, "bye"), "code"),
        (Failed(ERROR), "error"),
    ],
)
def test_an_event_cannot_be_changed(event: Event, name: str) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(event, name, "changed")
