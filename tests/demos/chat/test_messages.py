"""What page and server say to each other."""

import json

import pytest

from trunkline.demos.chat.messages import (
    MESSAGE_BYTES,
    NAME_CHARACTERS,
    TEXT_CHARACTERS,
    Join,
    Message,
    Presence,
    Refused,
    Say,
    Trouble,
    Welcome,
    encode,
    parse,
)


def join(name: object) -> str:
    return json.dumps({"type": "join", "name": name})


def say(text: object) -> str:
    return json.dumps({"type": "say", "text": text})


def refusal(data: str | bytes) -> str:
    with pytest.raises(Refused) as caught:
        parse(data)
    return str(caught.value)


# From the page


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("Ada", "Ada"),
        ("  Ada \u00a0 Lovelace ", "Ada Lovelace"),
        ("Ame\u0301lie", "Am\u00e9lie"),
        ("👩\u200d💻", "👩\u200d💻"),
        ("שלום", "שלום"),
        ("<img onerror=alert(1)>", "<img onerror=alert(1)>"),
        ("x" * NAME_CHARACTERS, "x" * NAME_CHARACTERS),
    ],
)
def test_a_name_is_cleaned(name: str, cleaned: str) -> None:
    assert parse(join(name)) == Join(cleaned)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "name is empty"),
        ("   ", "name is empty"),
        ("\u200b\u2060", "name is empty"),
        ("x" * (NAME_CHARACTERS + 1), "name is 33 characters, limit 32"),
        ("Ada\nLovelace", "name has a control character"),
        ("Ada\x00", "name has a control character"),
        ("Ada\x7f", "name has a control character"),
        ("Ada\x9b", "name has a control character"),
        ("Ada\u2028", "name has a control character"),
        ("Ada\u202e", "name has a control character"),
        ("Ada\ud800", "name has a control character"),
    ],
)
def test_a_name_that_would_disturb_is_refused(name: str, reason: str) -> None:
    assert refusal(join(name)) == reason


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("hello", "hello"),
        ("\n  one\n\ttwo  \n", "one\n\ttwo"),
        ("left \u202e right", "left \u202e right"),
        ("😀" * TEXT_CHARACTERS, "😀" * TEXT_CHARACTERS),
    ],
)
def test_a_text_keeps_its_lines_and_loses_the_space_around_them(text: str, cleaned: str) -> None:
    assert parse(say(text)) == Say(cleaned)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "text is empty"),
        ("\n\t ", "text is empty"),
        ("x" * (TEXT_CHARACTERS + 1), "text is 2,001 characters, limit 2,000"),
        ("bell\x07", "text has a control character"),
        ("escape\x1b[31m", "text has a control character"),
        ("half \udc00", "text has a control character"),
    ],
)
def test_a_text_that_cannot_be_shown_is_refused(text: str, reason: str) -> None:
    assert refusal(say(text)) == reason


def test_the_longest_text_fits_into_a_message_however_it_is_escaped() -> None:
    assert len(say("😀" * TEXT_CHARACTERS)) <= MESSAGE_BYTES


@pytest.mark.parametrize("data", ["", "{", "nonsense", "[" * MESSAGE_BYTES, "1" * 5000])
def test_what_is_not_json_is_refused(data: str) -> None:
    assert refusal(data) == "message is not JSON"


@pytest.mark.parametrize(
    "message",
    [
        None,
        [],
        "join",
        {},
        {"type": "join"},
        {"type": "join", "name": 1},
        {"type": "join", "text": "hello"},
        {"type": "say", "text": None},
        {"type": ["say"], "text": "hello"},
        {"type": "shout", "text": "hello"},
    ],
)
def test_json_of_another_shape_is_refused(message: object) -> None:
    shapes = 'message is neither {"type": "join", "name"} nor {"type": "say", "text"}'
    assert refusal(json.dumps(message)) == shapes


def test_a_binary_message_is_refused() -> None:
    assert refusal(join("Ada").encode()) == "messages are text, this one is binary"


# From the server


def test_a_message_carries_its_fields() -> None:
    encoded = encode(Message(number=1, time=2, sender=3, name="Ada", text='é "\n'))
    assert json.loads(encoded) == {
        "type": "message",
        "number": 1,
        "time": 2,
        "sender": 3,
        "name": "Ada",
        "text": 'é "\n',
    }


def test_a_presence_carries_the_count() -> None:
    expected = {"type": "presence", "name": "Ada", "connections": 2}
    assert json.loads(encode(Presence("Ada", 2))) == expected


def test_a_welcome_carries_people_and_messages() -> None:
    welcome = Welcome("run", 7, "Ada", {"Ada": 1}, [Message(1, 2, 3, "Bob", "hello")])
    encoded = json.loads(encode(welcome))
    assert encoded["type"] == "welcome"
    assert (encoded["room"], encoded["you"], encoded["name"]) == ("run", 7, "Ada")
    assert encoded["people"] == {"Ada": 1}
    assert [message["text"] for message in encoded["messages"]] == ["hello"]


def test_trouble_carries_its_reason() -> None:
    assert json.loads(encode(Trouble("no"))) == {"type": "trouble", "reason": "no"}
