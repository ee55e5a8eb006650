"""Header fields: the mapping, what must not be on the wire, and the grammar of values."""

import string
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from trunkline.protocol.headers import (
    PROTOCOL,
    Headers,
    HeadersLike,
    MultipleValuesError,
    Scanner,
    parse_extensions,
    parse_token_list,
)

# RFC 9110 §5.6.2
TOKEN_CHARACTERS = set(string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~")
# RFC 9110 §5.5: visible characters, space, tab, and the upper half of Latin-1
VALUE_CHARACTERS = {chr(code) for code in range(256) if code >= 0x20 and code != 0x7F} | {"\t"}

LINES = [("Host", "h"), ("Set-Cookie", "a=1"), ("X", ""), ("set-cookie", "b=2")]


def refused(make: Callable[[str], object]) -> set[str]:
    """Give the characters up to U+01FF that `make` refuses."""
    found = set()
    for character in map(chr, range(512)):
        try:
            make(character)
        except ValueError:
            found.add(character)
    return found


# The mapping


@pytest.mark.parametrize(
    "source",
    [Headers([("A", "1"), ("B", "2")]), {"A": "1", "B": "2"}, [("A", "1"), ("B", "2")]],
    ids=["headers", "a mapping", "pairs"],
)
def test_headers_are_made_from_anything_that_can_be_headers(source: HeadersLike) -> None:
    assert list(Headers(source).raw_items()) == [("A", "1"), ("B", "2")]


def test_headers_are_made_from_several_sources_in_order() -> None:
    headers = Headers({"A": "1"}, [("A", "2")], B="3")
    assert list(headers.raw_items()) == [("A", "1"), ("A", "2"), ("B", "3")]


def test_a_name_is_found_in_any_case() -> None:
    headers = Headers({"Sec-WebSocket-Key": "k"})
    assert headers["sec-websocket-KEY"] == headers.get("SEC-WEBSOCKET-KEY") == "k"
    assert "sec-websocket-key" in headers


def test_several_values_of_a_name_are_kept_in_order() -> None:
    headers = Headers(LINES)
    assert headers.get_all("SET-COOKIE") == ["a=1", "b=2"]
    assert headers.get_list("Set-Cookie") == "a=1, b=2"
    assert (headers.get_all("Y"), headers.get_list("Y")) == ([], None)


def test_a_name_with_several_values_has_not_one() -> None:
    headers = Headers(LINES)
    with pytest.raises(MultipleValuesError, match="Set-Cookie"):
        headers["Set-Cookie"]
    with pytest.raises(MultipleValuesError):
        headers.get("Set-Cookie")
    assert isinstance(MultipleValuesError("x"), LookupError)


def test_a_missing_name_is_a_key_error() -> None:
    headers = Headers(LINES)
    with pytest.raises(KeyError, match="Y"):
        headers["Y"]
    with pytest.raises(KeyError, match="Y"):
        del headers["Y"]
    assert headers.get("Y") is None


def test_each_name_counts_once() -> None:
    headers = Headers(LINES)
    assert (list(headers), len(headers)) == (["host", "set-cookie", "x"], 3)


def test_assigning_replaces_every_value() -> None:
    headers = Headers(LINES)
    headers["SET-cookie"] = "c=3"
    assert list(headers.raw_items()) == [("Host", "h"), ("X", ""), ("SET-cookie", "c=3")]


def test_deleting_removes_every_value() -> None:
    headers = Headers(LINES)
    del headers["Set-Cookie"]
    assert list(headers.raw_items()) == [("Host", "h"), ("X", "")]


def test_what_is_no_string_is_no_header() -> None:
    headers: Any = Headers(LINES)
    assert 1 not in headers


def test_headers_are_equal_whatever_the_case_of_their_names() -> None:
    assert Headers(A="1") == Headers(a="1")
    assert Headers(A="1") != Headers(A="1", B="2")
    assert Headers(A="a") != Headers(A="A")
    assert Headers(A="1") != {"A": "1"}


def test_headers_change_and_so_cannot_be_a_key() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(Headers())


def test_headers_are_shown_as_their_lines() -> None:
    assert repr(Headers(A="1")) == "Headers([('A', '1')])"


def test_headers_travel_as_lines_in_latin_1() -> None:
    assert Headers([("A", "1"), ("B", "\xe9")]).serialize() == b"A: 1\r\nB: \xe9\r\n"
    assert Headers().serialize() == b""


# What must not be on the wire


def test_a_name_is_a_token_and_nothing_else() -> None:
    every = {chr(code) for code in range(512)}
    assert refused(lambda character: Headers({f"X{character}": ""})) == every - TOKEN_CHARACTERS


def test_a_value_has_no_line_end_and_no_control_character() -> None:
    every = {chr(code) for code in range(512)}
    assert refused(lambda character: Headers({"X": character})) == every - VALUE_CHARACTERS


@pytest.mark.parametrize("name", ["", "X\r\nY", "X:", " X", "X ", "Ä"])
def test_a_name_that_would_break_a_head_is_named(name: str) -> None:
    with pytest.raises(ValueError, match=r"is not a header name \(RFC 9110 §5.1\)"):
        Headers([(name, "")])


@pytest.mark.parametrize("value", ["a\r\nX: y", "\n", "\r", "\0", "€"])
def test_a_value_that_would_break_a_head_is_refused_and_not_repeated(value: str) -> None:
    headers = Headers()
    with pytest.raises(ValueError, match=r"^value of header X has a character") as caught:
        headers["X"] = value
    assert value not in str(caught.value)


@pytest.mark.parametrize("line", [("X", 1), ("X", b"1"), ("X", None), (b"X", "1")])
def test_names_and_values_are_strings(line: Any) -> None:
    with pytest.raises(TypeError, match="header names and values are strings"):
        Headers([line])


# Lists of tokens


@pytest.mark.parametrize(
    ("value", "tokens"),
    [
        ("", []),
        ("chat", ["chat"]),
        ("chat, superchat", ["chat", "superchat"]),
        ("chat,superchat", ["chat", "superchat"]),
        (" \tchat\t , superchat ", ["chat", "superchat"]),
        (",, chat,,", ["chat"]),
        ("chat,chat", ["chat", "chat"]),
    ],
)
def test_a_list_of_tokens_is_split_at_commas(value: str, tokens: list[str]) -> None:
    assert parse_token_list(value) == tokens


@pytest.mark.parametrize("value", ["a b", '"a"', "a;b", "a, b c", "ä", "a/1"])
def test_a_list_of_something_else_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="is not a token"):
        parse_token_list(value)


def test_a_list_of_protocols_may_have_versions() -> None:
    assert parse_token_list("websocket, HTTP/2.0", PROTOCOL) == ["websocket", "HTTP/2.0"]
    with pytest.raises(ValueError, match="'a/' is not a token"):
        parse_token_list("a/", PROTOCOL)


# Extensions


@pytest.mark.parametrize(
    ("value", "extensions"),
    [
        ("foo", [("foo", [])]),
        ("foo, bar", [("foo", []), ("bar", [])]),
        ("foo;a;b=1", [("foo", [("a", None), ("b", "1")])]),
        (" foo ; a ; b = 1 , bar ", [("foo", [("a", None), ("b", "1")]), ("bar", [])]),
        ('foo; a="1"', [("foo", [("a", "1")])]),
        ('foo; a="\\1\\0"', [("foo", [("a", "10")])]),
        (",foo,,bar,", [("foo", []), ("bar", [])]),
        ("foo;a=1;a=2", [("foo", [("a", "1"), ("a", "2")])]),
        ("foo;a=1, foo", [("foo", [("a", "1")]), ("foo", [])]),
    ],
)
def test_extensions_are_parsed_with_their_parameters(value: str, extensions: list[Any]) -> None:
    assert parse_extensions(value) == extensions


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", "no extension is named"),
        (" , ,", "no extension is named"),
        ("foo bar", "',' is missing at 'bar'"),
        ("foo;", "no token at ''"),
        ("foo;;a", "no token at ';a'"),
        ("foo;a=", "no token at ''"),
        ("foo;=1", "no token at '=1'"),
        ("foo;a=1=2", "',' is missing at '=2'"),
        ('foo;a="1', "no token at '\"1'"),
        ('foo;a="1\\"', "no token at"),
        ('foo;a=""', "quoted value '' is not a token"),
        ('foo;a="b c"', "quoted value 'b c' is not a token"),
        ('foo;a="b\\"c"', "is not a token"),
        ('"foo"', "no token at"),
        ("foo\x80", "',' is missing"),
    ],
)
def test_extensions_that_break_the_grammar_are_refused(value: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse_extensions(value)


@pytest.mark.parametrize(
    "value",
    [
        "a," * 5_000 + "a",
        "a" + ";b" * 5_000,
        'a;b="' + "\\x" * 5_000,
        'a;b="' + "x" * 10_000,
        "a;b=" + "\\" * 10_000,
        "," * 10_000,
        " " * 10_000 + "a" + " " * 10_000 + "b",
    ],
    ids=lambda value: f"{value[:6]}…",
)
def test_no_value_makes_a_parser_go_over_it_again_and_again(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    match = Scanner._match

    def counted(scanner: Scanner, pattern: Any) -> Any:
        nonlocal looks
        looks += 1
        return match(scanner, pattern)

    monkeypatch.setattr(Scanner, "_match", counted)
    with suppress(ValueError):
        parse_extensions(value)
    assert looks <= 4 * len(value)


def test_lines_that_were_checked_are_not_checked_again() -> None:
    headers = Headers.trusted([("A", "1"), ("a", "2")])
    assert headers == Headers([("A", "1"), ("a", "2")])
    headers.add("A", "3")
    assert headers.get_all("a") == ["1", "2", "3"]


def test_lines_can_wait_until_somebody_looks() -> None:
    headers = Headers.unread("A: 1\r\nB: \r\na: 2: 3")
    assert headers == Headers([("A", "1"), ("B", ""), ("a", "2: 3")])
    headers.add("A", "4")
    assert headers.get_all("a") == ["1", "2: 3", "4"]
