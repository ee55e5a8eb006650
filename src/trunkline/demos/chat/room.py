"""The room: who is here, what was said, who is told. It does no I/O and reads no clock itself."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from trunkline.demos.chat.messages import Message, Presence, Refused, Welcome, encode

HISTORY_MESSAGES = 50
"""Messages that are kept for those who come later."""

MILLISECONDS = 1000


class Guest(Protocol):
    """Somebody at the door or in the room, as far as the room knows: one connection."""

    def tell(self, message: str) -> None:
        """Pass an encoded message on, without waiting."""


@dataclass(frozen=True, slots=True)
class Seat:
    """What the room knows of a guest who is in it."""

    number: int
    name: str


class Room:
    """A room with a short memory.

    Presence is by connection: two tabs under one name are one name with two connections, and the
    name is gone when the last of them is.

    Args:
        label: names this run of the room, so that pages see that it is another one.
        clock: gives seconds since 1970.
    """

    def __init__(self, label: str, clock: Callable[[], float]) -> None:
        self._label = label
        self._clock = clock
        self._seats: dict[Guest, Seat] = {}
        self._connections: Counter[str] = Counter()
        self._history: deque[Message] = deque(maxlen=HISTORY_MESSAGES)
        self._seats_given = 0
        self._messages_said = 0

    def join(self, guest: Guest, name: str) -> None:
        """Let a guest in, or let one that is in have another name."""
        self.leave(guest)
        self._seats_given += 1
        self._connections[name] += 1
        self._tell_all(Presence(name, self._connections[name]))
        self._seats[guest] = seat = Seat(self._seats_given, name)
        people = dict(sorted(self._connections.items()))
        history = list(self._history)
        guest.tell(encode(Welcome(self._label, seat.number, name, people, history)))

    def say(self, guest: Guest, text: str) -> None:
        """Tell everybody in the room, the guest too, what the guest says.

        Raises:
            Refused: the guest has not joined.
        """
        seat = self._seats.get(guest)
        if seat is None:
            raise Refused("join with a name before you say something")
        self._messages_said += 1
        time = int(self._clock() * MILLISECONDS)
        message = Message(self._messages_said, time, seat.number, seat.name, text)
        self._history.append(message)
        self._tell_all(message)

    def leave(self, guest: Guest) -> None:
        """Let a guest go; nothing happens where there is no such guest."""
        seat = self._seats.pop(guest, None)
        if seat is None:
            return
        self._connections[seat.name] -= 1
        self._tell_all(Presence(seat.name, self._connections[seat.name]))
        # Zeros go as well: names come from anybody, and would pile up.
        self._connections = +self._connections

    def _tell_all(self, message: Message | Presence) -> None:
        encoded = encode(message)
        for guest in list(self._seats):
            guest.tell(encoded)
