"""Paths with parameters: `/rooms/{room}`, `/users/{id:int}`, `/files/{name:path}`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_to_bytes

from trunkline.errors import RequestRefused

PARAMETER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(?::([a-z]+))?\}")
LITERAL = re.compile(r"[!$&-;=@-Z_a-z~]*")
"""What may stand in a path as it is (RFC 3986 §3.3); `%` would hide two spellings of one path."""

DEFAULT_KIND = "str"
KINDS: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "str": (r"[^/]+", str),
    "int": (r"[0-9]{1,18}", int),
    "path": (r".+", str),
}
"""How the value of each kind of parameter looks in a path, before it is decoded, and what it
becomes."""


class Path:
    """What the path of a request has to be.

    Args:
        template: begins with a slash; parameters are in braces, with a kind or as `str`.

    Raises:
        TypeError: the template is not a string.
        ValueError: it cannot be meant like that.
    """

    def __init__(self, template: str) -> None:
        if not isinstance(template, str):
            raise TypeError(f"a path is a string, not {template!r}")
        if not template.startswith("/"):
            raise ValueError(f"{template!r} is not a path: it must begin with /")
        self.template = template
        self._converters: dict[str, Callable[[str], Any]] = {}
        self._pattern = re.compile("".join(self._translate(template)))
        self.shape = PARAMETER.sub(shape_of, template)
        """The template without the names: two paths of one shape are the same path."""
        check_ambiguity(template, self.shape)

    def _translate(self, template: str) -> list[str]:
        pieces, end = [], 0
        for found in PARAMETER.finditer(template):
            pieces += [literal(template, end, found.start()), self._group(found)]
            end = found.end()
        return [*pieces, literal(template, end, len(template))]

    def _group(self, found: re.Match[str]) -> str:
        name, kind = found[1], found[2] or DEFAULT_KIND
        if kind not in KINDS:
            known = ", ".join(KINDS)
            raise ValueError(f"{found[0]} in a path has an unknown kind; there are {known}")
        if name in self._converters:
            raise ValueError(f"{self.template!r} has the parameter {name!r} twice")
        pattern, self._converters[name] = KINDS[kind]
        return f"(?P<{name}>{pattern})"

    @property
    def parameters(self) -> frozenset[str]:
        """The names of the parameters."""
        return frozenset(self._converters)

    @property
    def is_literal(self) -> bool:
        """Whether there are no parameters."""
        return not self._converters

    @property
    def is_greedy(self) -> bool:
        """Whether a parameter may have slashes in it."""
        return "{:path}" in self.shape

    @property
    def address(self) -> str:
        """The template without the kinds of its parameters, as other formats write it."""
        return PARAMETER.sub(r"{\1}", self.template)

    def match(self, path: str) -> dict[str, Any] | None:
        """Give the parameters in the path of a request, or `None` where it is another path.

        Args:
            path: as it was sent, without the query.

        Raises:
            RequestRefused: with 400, where a parameter is not UTF-8.
        """
        found = self._pattern.fullmatch(path)
        if found is None:
            return None
        return {name: self._converters[name](decode(found[name])) for name in self._converters}


def shape_of(found: re.Match[str]) -> str:
    """Give what stands for a parameter in a shape."""
    return f"{{:{found[2] or DEFAULT_KIND}}}"


def check_ambiguity(template: str, shape: str) -> None:
    """Refuse a template that fits a path in many ways: finding out takes more than linear time."""
    if any(part.count("{") > 1 for part in shape.split("/")):
        raise ValueError(f"{template!r} has two parameters without a slash between them")
    if shape.count("{:path}") > 1:
        raise ValueError(f"{template!r} has two parameters of the kind 'path'")


def literal(template: str, start: int, end: int) -> str:
    """Give the pattern for what stands between parameters."""
    text = template[start:end]
    if not LITERAL.fullmatch(text):
        raise ValueError(f"{template!r} has a character that may not be in a path: {text!r}")
    return re.escape(text)


def decode(value: str) -> str:
    """Decode a value as it stands in a path (RFC 3986 §2.1)."""
    try:
        return unquote_to_bytes(value).decode()
    except UnicodeDecodeError:
        raise RequestRefused(HTTPStatus.BAD_REQUEST, "a part of the path is not UTF-8") from None
