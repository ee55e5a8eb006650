import pytest

from trunkline.cli.editor import KEYS, Editor

CTRL_D = "\x04"
UP, DOWN, RIGHT, LEFT = "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D"


def typed(keys: str) -> tuple[str, int]:
    editor = Editor()
    assert editor.feed(keys) == []
    return editor.text, editor.cursor


@pytest.mark.parametrize(
    ("keys", "text", "cursor"),
    [
        ("abc", "abc", 3),
        ("a\tb", "a\tb", 3),
        ("日本", "日本", 2),
        ("ab" + LEFT + "X", "aXb", 2),
        ("ab" + LEFT * 3 + "X", "Xab", 1),
        ("ab" + LEFT + RIGHT * 2 + "X", "abX", 3),
        ("ab\x01X", "Xab", 1),
        ("ab\x01\x05X", "abX", 3),
        ("ab\x7f", "a", 1),
        ("\x7f", "", 0),
        ("ab\x01\x7f", "ab", 0),
        ("ab\x01\x1b[3~", "b", 0),
        ("ab\x1b[3~", "ab", 2),
        ("ab\x01" + CTRL_D, "b", 0),
        ("one two  \x17", "one ", 4),
        ("one" + LEFT + "\x17", "e", 0),
        ("\x17", "", 0),
        ("one two" + LEFT * 3 + "\x15", "two", 0),
        ("one two" + LEFT * 3 + "\x0b", "one ", 4),
        ("a\x07\x1b[5~\x1bx\x1b[200~\x00b", "ab", 2),
    ],
)
def test_keys_edit_the_line(keys: str, text: str, cursor: int) -> None:
    assert typed(keys) == (text, cursor)


@pytest.mark.parametrize("keys", ["ab" + LEFT + "X", "a" + RIGHT, "a\x1bOD\x1b[3~b", "a\x1bxb"])
def test_a_sequence_may_be_cut_anywhere(keys: str) -> None:
    editor = Editor()
    for key in keys:
        editor.feed(key)
    assert (editor.text, editor.cursor) == typed(keys)


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_enter_gives_the_line_and_begins_another(end: str) -> None:
    editor = Editor()
    assert editor.feed(f"one{end}two{end}thr") == ["one", "two"]
    assert editor.feed(f"ee{end}") == ["three"]
    assert (editor.text, editor.cursor) == ("", 0)


def test_enter_gives_the_whole_line_wherever_the_cursor_is() -> None:
    assert Editor().feed("abc" + LEFT + "\r") == ["abc"]


def test_ctrl_d_on_an_empty_line_ends_the_input() -> None:
    editor = Editor()
    assert editor.feed(f"one\r{CTRL_D}two\r") == ["one"]
    assert editor.has_ended
    assert editor.feed("three\r") == []


def test_ctrl_d_in_a_line_ends_nothing() -> None:
    editor = Editor()
    editor.feed(f"a{CTRL_D}")
    assert not editor.has_ended


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (UP, "two"),
        (UP * 2, "one"),
        (UP * 5, "one"),
        (UP * 2 + DOWN, "two"),
        ("dra" + UP + DOWN, "dra"),
        ("dra" + UP * 2 + DOWN * 5, "dra"),
        (DOWN, ""),
        (UP + "!\r" + UP, "two!"),
    ],
)
def test_earlier_lines_come_back(keys: str, text: str) -> None:
    editor = Editor()
    editor.feed("one\rtwo\r")
    editor.feed(keys)
    assert (editor.text, editor.cursor) == (text, len(text))


def test_repeated_and_empty_lines_are_remembered_once() -> None:
    editor = Editor()
    editor.feed("one\rtwo\rtwo\r\r" + UP * 2)
    assert editor.text == "one"


def test_every_action_can_be_reached() -> None:
    actions = {name for name in vars(Editor) if not name.startswith("_")} - {"feed"}
    assert {action.__name__ for action in KEYS.values()} == actions
