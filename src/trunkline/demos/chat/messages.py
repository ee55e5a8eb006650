"""What page and server say to each other: one JSON object in each text message.

The page sends `{"type": "join", "name"}` first, and then `{"type": "say", "text"}`. The server
sends `welcome` to whoever joins, `presence` and `message` to everybody in the room, and `trouble`
to whoever sent something that cannot be taken. Sizes are counted in characters (code points).
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

NAME_CHARACTERS = 32
TEXT_CHARACTERS = 2000
MESSAGE_BYTES = 32 * 1024
"""Enough for a text in which every character is escaped as a pair of surrogates."""

CONTROL = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode categories that no text has: controls, halves of characters, separators of lines."""

BIDI_CONTROLS = frozenset(
    "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
"""Characters that turn the direction of writing; in a name they would turn the line behind it."""

VISIBLE = "LNPS"
"""Initials of the categories that leave ink: letters, numbers, punctuation, symbols."""


class Refused(ValueError):
    """A message that cannot be taken; the text says why, to a human."""


# From the page


@dataclass(frozen=True, slots=True)
class Join:
    """I am here, under this name; also to change it."""

    name: str


@dataclass(frozen=True, slots=True)
class Say:
    """Tell everybody."""

    text: str


def parse(data: str | bytes) -> Join | Say:
    """Parse a message of the page.

    Raises:
        Refused: it is none, or breaks a limit.
    """
    if isinstance(data, bytes):
        raise Refused("messages are text, this one is binary")
    try:
        message = json.loads(data)
    # Nesting that is too deep for the parser is no more JSON of ours than a missing bracket.
    except (ValueError, RecursionError):
        raise Refused("message is not JSON") from None
    match message:
        case {"type": "join", "name": str(name)}:
            return Join(clean_name(name))
        case {"type": "say", "text": str(text)}:
            return Say(clean_text(text))
    raise Refused('message is neither {"type": "join", "name"} nor {"type": "say", "text"}')


def clean_name(name: str) -> str:
    """Give a name with single spaces and one spelling of each character.

    Raises:
        Refused: it is too long, cannot be seen, or would disturb the line that it is in.
    """
    check_length("name", name, NAME_CHARACTERS)
    if any(char in BIDI_CONTROLS or unicodedata.category(char) in CONTROL for char in name):
        raise Refused("name has a control character")
    if not is_visible(name):
        raise Refused("name is empty")
    return " ".join(unicodedata.normalize("NFC", name).split())


def clean_text(text: str) -> str:
    """Give a text without the space around it; lines and tabs may be in it.

    Raises:
        Refused: it is too long, cannot be seen, or has control characters.
    """
    check_length("text", text, TEXT_CHARACTERS)
    if any(char not in "\n\t" and unicodedata.category(char) in CONTROL for char in text):
        raise Refused("text has a control character")
    if not is_visible(text):
        raise Refused("text is empty")
    return text.strip()


def check_length(what: str, text: str, limit: int) -> None:
    """Refuse a text of more than `limit` characters."""
    if len(text) > limit:
        raise Refused(f"{what} is {len(text):,} characters, limit {limit:,}")


def is_visible(text: str) -> bool:
    """Whether there is anything to see."""
    return any(unicodedata.category(char)[0] in VISIBLE for char in text)


# From the server


@dataclass(frozen=True, slots=True)
class Message:
    """Somebody said something.

    Args:
        number: counts the messages of a room, from 1 and without gaps.
        time: milliseconds since 1970, as in JavaScript.
        sender: number of the connection that it came from.
        name: of the sender.
        text: what was said.
    """

    number: int
    time: int
    sender: int
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Presence:
    """Somebody came or went.

    Args:
        name: who.
        connections: how many there are under this name now; 0 when the last one has gone.
    """

    name: str
    connections: int


@dataclass(frozen=True, slots=True)
class Welcome:
    """You have joined.

    Args:
        room: names this run of the room; message numbers begin again in another one.
        you: number of your connection, the `sender` of what you say.
        name: your name, as it was cleaned.
        people: connections by name, yours among them.
        messages: the latest ones, the oldest first.
    """

    room: str
    you: int
    name: str
    people: Mapping[str, int]
    messages: Sequence[Message]


@dataclass(frozen=True, slots=True)
class Trouble:
    """What you sent could not be taken."""

    reason: str


def encode(message: Message | Presence | Welcome | Trouble) -> str:
    """Give a message of the server as it travels."""
    fields = {"type": type(message).__name__.lower()} | asdict(message)
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
