"""The room, with guests that are lists."""

import json
from typing import Any

import pytest

from trunkline.demos.chat.messages import Refused
from trunkline.demos.chat.room import HISTORY_MESSAGES, Room

NOON = 1_700_000_000.25


class Guest:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []

    def tell(self, message: str) -> None:
        self.told.append(json.loads(message))

    def hear(self) -> list[dict[str, Any]]:
        """Give what was told since the last time."""
        told, self.told = self.told, []
        return told


class LeavingGuest(Guest):
    """Is gone as soon as it is told anything but its welcome."""

    def __init__(self, room: Room) -> None:
        super().__init__()
        self.room = room

    def tell(self, message: str) -> None:
        super().tell(message)
        if self.told[-1]["type"] != "welcome":
            self.room.leave(self)


@pytest.fixture
def room() -> Room:
    return Room("run", clock=lambda: NOON)


def enter(room: Room, name: str) -> Guest:
    guest = Guest()
    room.join(guest, name)
    return guest


def presence(name: str, connections: int) -> dict[str, Any]:
    return {"type": "presence", "name": name, "connections": connections}


def test_who_joins_is_welcomed_with_the_people_and_a_number(room: Room) -> None:
    enter(room, "Bob")
    [welcome] = enter(room, "Ada").hear()
    assert welcome == {
        "type": "welcome",
        "room": "run",
        "you": 2,
        "name": "Ada",
        "people": {"Ada": 1, "Bob": 1},
        "messages": [],
    }


def test_the_others_are_told_who_came_and_who_went(room: Room) -> None:
    ada = enter(room, "Ada")
    bob = enter(room, "Bob")
    room.leave(bob)
    assert ada.hear()[1:] == [presence("Bob", 1), presence("Bob", 0)]


def test_two_tabs_under_one_name_are_one_name_with_two_connections(room: Room) -> None:
    ada = enter(room, "Ada")
    first, second = enter(room, "Bob"), enter(room, "Bob")
    room.leave(first)
    room.leave(second)
    assert ada.hear()[1:] == [presence("Bob", count) for count in (1, 2, 1, 0)]


def test_a_message_reaches_everybody_and_the_sender(room: Room) -> None:
    ada, bob = enter(room, "Ada"), enter(room, "Bob")
    room.say(ada, "hello")
    message = {
        "type": "message",
        "number": 1,
        "time": 1_700_000_000_250,
        "sender": 1,
        "name": "Ada",
        "text": "hello",
    }
    assert ada.hear()[-1] == bob.hear()[-1] == message


def test_who_comes_later_is_given_the_latest_messages(room: Room) -> None:
    ada = enter(room, "Ada")
    for number in range(1, HISTORY_MESSAGES + 3):
        room.say(ada, f"text {number}")
    [welcome] = enter(room, "Bob").hear()
    numbers = [message["number"] for message in welcome["messages"]]
    assert numbers == list(range(3, HISTORY_MESSAGES + 3))
    assert welcome["messages"][-1]["text"] == f"text {HISTORY_MESSAGES + 2}"


def test_nobody_speaks_before_joining_or_after_leaving(room: Room) -> None:
    ada, stranger = enter(room, "Ada"), Guest()
    bob = enter(room, "Bob")
    room.leave(bob)
    ada.hear()
    for guest in (stranger, bob):
        with pytest.raises(Refused, match="join with a name"):
            room.say(guest, "hello")
    assert ada.hear() == []


def test_who_is_not_here_leaves_without_a_trace(room: Room) -> None:
    ada = enter(room, "Ada")
    ada.hear()
    room.leave(Guest())
    assert ada.hear() == []


def test_joining_again_changes_the_name(room: Room) -> None:
    ada, bob = enter(room, "Ada"), enter(room, "Bob")
    ada.hear()
    room.join(bob, "Robert")
    assert ada.hear() == [presence("Bob", 0), presence("Robert", 1)]
    assert bob.hear()[-1]["people"] == {"Ada": 1, "Robert": 1}


def test_names_that_have_left_are_forgotten(room: Room) -> None:
    room.leave(enter(room, "Ada"))
    [welcome] = enter(room, "Bob").hear()
    assert welcome["people"] == {"Bob": 1}


def test_a_guest_that_goes_while_it_is_told_disturbs_nobody(room: Room) -> None:
    leaving = LeavingGuest(room)
    room.join(leaving, "Ada")
    bob = enter(room, "Bob")
    room.say(bob, "hello")
    assert leaving.told[-1] == presence("Bob", 1)
    assert [told["type"] for told in bob.hear()] == ["welcome", "message"]
