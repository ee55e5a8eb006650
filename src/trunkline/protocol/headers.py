"""Header fields: a multi-valued mapping, and the grammar of their values (RFC 9110 §5)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Self

TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# RFC 9110 §7.8: the elements of Upgrade are names, perhaps with a version
PROTOCOL = re.compile(rf"{TOKEN.pattern}(?:/{TOKEN.pattern})?")
FIELD_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
QUOTED_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
QUOTED_PAIR = re.compile(r"\\(.)")
OPTIONAL_SPACE = re.compile(r"[ \t]*")


class Headers(Mapping[str, str]):
    """Header fields in their order; names in any case, several values for a name.

    Indexing gives the only value of a name.

    Raises:
        KeyError: there is no such header.
        MultipleValuesError: there are several; `get_all()` gives them.
    """

    _unread: str
    _index: dict[str, list[str]] | None

    def __init__(self, *args: HeadersLike, **kwargs: str) -> None:
        self._lines = []
        self._index = None
        for source in (*args, kwargs):
            for name, value in header_lines(source):
                self.add(name, value)

    @classmethod
    def trusted(cls, lines: list[tuple[str, str]]) -> Self:
        """Make headers of lines that have been checked."""
        headers = cls.__new__(cls)
        headers._lines, headers._index = lines, None
        return headers

    @classmethod
    def unread(cls, head: str) -> Self:
        """Make headers of lines that have been checked, when somebody looks at them.

        Args:
            head: lines with a space behind each colon and no other white space around a value.
        """
        headers = cls.__new__(cls)
        headers._unread, headers._index = head, None
        return headers

    @cached_property
    def _lines(self) -> list[tuple[str, str]]:
        fields = (line.partition(": ") for line in self._unread.split("\r\n"))
        return [(name, value) for name, _, value in fields]

    def add(self, name: str, value: str) -> None:
        """Add a line; raise `ValueError` for a name or a value that must not be on the wire."""
        check_field(name, value)
        self._lines.append((name, value))
        self._index = None

    def get_all(self, name: str) -> list[str]:
        """Give every value of `name`, in order."""
        return list(self._indexed().get(name.lower(), ()))

    def _indexed(self) -> dict[str, list[str]]:
        """Give the values by their names in lower case: a handshake asks a dozen times."""
        if self._index is None:
            self._index = {}
            for name, value in self._lines:
                self._index.setdefault(name.lower(), []).append(value)
        return self._index

    def get_list(self, name: str) -> str | None:
        """Give the values of `name` joined by commas, as RFC 9110 §5.3 allows for lists."""
        values = self.get_all(name)
        return ", ".join(values) if values else None

    def raw_items(self) -> Iterator[tuple[str, str]]:
        """Give every line."""
        return iter(self._lines)

    def __getitem__(self, name: str) -> str:
        values = self._indexed().get(name.lower())
        if not values:
            raise KeyError(name)
        if len(values) > 1:
            raise MultipleValuesError(name)
        return values[0]

    def __setitem__(self, name: str, value: str) -> None:
        self._remove(name)
        self.add(name, value)

    def __delitem__(self, name: str) -> None:
        if name not in self:
            raise KeyError(name)
        self._remove(name)

    def _remove(self, name: str) -> None:
        wanted = name.lower()
        if wanted in self._indexed():
            self._lines = [line for line in self._lines if line[0].lower() != wanted]
            self._index = None

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._indexed()

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._indexed()))

    def __len__(self) -> int:
        return len(self._indexed())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Headers):
            return NotImplemented
        return self._folded() == other._folded()

    def _folded(self) -> list[tuple[str, str]]:
        return [(name.lower(), value) for name, value in self._lines]

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Headers({self._lines!r})"

    def serialize(self) -> bytes:
        """Give the lines as they travel, without the empty line that ends a head."""
        text = "".join(f"{name}: {value}\r\n" for name, value in self._lines)
        return text.encode("latin-1")


HeadersLike = Headers | Mapping[str, str] | Iterable[tuple[str, str]]


class MultipleValuesError(LookupError):
    """A header that was asked for one value has several."""


def header_lines(source: HeadersLike) -> Iterable[tuple[str, str]]:
    """Give the lines of anything that can be headers."""
    if isinstance(source, Headers):
        return source.raw_items()
    if isinstance(source, Mapping):
        return source.items()
    return source


def check_field(name: str, value: str) -> None:
    """Refuse what would break a head in two."""
    if not (isinstance(name, str) and isinstance(value, str)):
        raise TypeError(f"header names and values are strings, not {name!r}: {value!r}")
    if not TOKEN.fullmatch(name):
        raise ValueError(f"{name!r} is not a header name (RFC 9110 §5.1)")
    if not FIELD_VALUE.fullmatch(value):
        raise ValueError(wrong_value(name))


def wrong_value(name: str) -> str:
    """Say what is wrong with a value that `FIELD_VALUE` does not match."""
    return f"value of header {name} has a character that may not be in one"


# The grammar of values


def parse_token_list(value: str, grammar: re.Pattern[str] = TOKEN) -> list[str]:
    """Parse a comma-separated list.

    Args:
        value: of a header.
        grammar: what each element must match.

    Raises:
        ValueError: one does not.
    """
    items = [item.strip(" \t") for item in value.split(",")]
    # RFC 9110 §5.6.1.2: empty elements do not count
    tokens = [item for item in items if item]
    for token in tokens:
        if not grammar.fullmatch(token):
            raise ValueError(f"{token!r} is not a token")
    return tokens


Parameters = list[tuple[str, str | None]]


def parse_extensions(value: str) -> list[tuple[str, Parameters]]:
    """Parse the value of Sec-WebSocket-Extensions (RFC 6455 §9.1).

    Raises:
        ValueError: it breaks the grammar.
    """
    scanner = Scanner(value)
    extensions = []
    while not scanner.at_end():
        if scanner.skip(","):
            continue
        extensions.append((scanner.token(), scanner.parameters()))
        if not scanner.at_end():
            scanner.expect(",")
    if not extensions:
        raise ValueError("no extension is named")
    return extensions


class Scanner:
    """Walks through a header value once, from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0

    def at_end(self) -> bool:
        """Whether only white space is left."""
        self._match(OPTIONAL_SPACE)
        return self._position == len(self._text)

    def skip(self, mark: str) -> bool:
        """Step over `mark` if it is next."""
        self._match(OPTIONAL_SPACE)
        if not self._text.startswith(mark, self._position):
            return False
        self._position += len(mark)
        return True

    def expect(self, mark: str) -> None:
        """Step over `mark`, which must be next."""
        if not self.skip(mark):
            raise ValueError(f"{mark!r} is missing at {self._text[self._position :]!r}")

    def token(self) -> str:
        """Take a token."""
        self._match(OPTIONAL_SPACE)
        match = self._match(TOKEN)
        if match is None:
            raise ValueError(f"no token at {self._text[self._position :]!r}")
        return match[0]

    def parameters(self) -> Parameters:
        """Take every `;name` and `;name=value` that follows."""
        found: Parameters = []
        while self.skip(";"):
            name = self.token()
            found.append((name, self._value() if self.skip("=") else None))
        return found

    def _value(self) -> str:
        self._match(OPTIONAL_SPACE)
        match = self._match(QUOTED_STRING)
        if match is None:
            return self.token()
        value = QUOTED_PAIR.sub(r"\1", match[1])
        # RFC 6455 §9.1: unquoted, the value is a token
        if not TOKEN.fullmatch(value):
            raise ValueError(f"quoted value {value!r} is not a token")
        return value

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self._text, self._position)
        if match is not None:
            self._position = match.end()
        return match
