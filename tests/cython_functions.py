"""The functions of a Cython file, and their sizes.

Cython has no parser that we could use, but its words and its indentation are Python's.
"""

import io
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from tokenize import TokenInfo

OPENERS = {"def", "cdef", "cpdef", "async"}
TYPES = {"enum", "extern", "packed", "struct", "union"}
NO_CODE = {tokenize.COMMENT, tokenize.NL}
ENDS = {tokenize.NEWLINE, tokenize.ENDMARKER}


@dataclass
class Statement:
    """A logical line: its words without comments, and how deep it stands."""

    words: Sequence[TokenInfo]
    depth: int

    @property
    def is_text(self) -> bool:
        """A docstring, or a string that nobody uses."""
        return all(word.type == tokenize.STRING for word in self.words)

    @property
    def lines(self) -> set[int]:
        spans = (range(word.start[0], word.end[0] + 1) for word in self.words)
        return {line for span in spans for line in span}


def statements(text: str) -> Iterator[Statement]:
    depth = 0
    words: list[TokenInfo] = []
    # `except? -1` is the one word of Cython that no Python has.
    for token in tokenize.generate_tokens(io.StringIO(text.replace("?", " ")).readline):
        depth += (token.type == tokenize.INDENT) - (token.type == tokenize.DEDENT)
        if token.type in ENDS:
            if words:
                yield Statement(words, depth)
            words = []
        elif token.type not in NO_CODE | {tokenize.INDENT, tokenize.DEDENT}:
            words.append(token)


def class_name(statement: Statement) -> str | None:
    words = [word.string for word in statement.words]
    return words[words.index("class") + 1] if "class" in words[:2] else None


def function_name(statement: Statement) -> str | None:
    """Give the name before the parentheses, where a block follows them."""
    words = [word.string for word in statement.words]
    if words[0] not in OPENERS or words[1] in TYPES | {"class"}:
        return None
    name, brackets = None, 0
    for index, word in enumerate(words):
        if word == "(" and name is None and words[index - 1] not in OPENERS:
            name = words[index - 1]
        brackets += (word in {"(", "["}) - (word in {")", "]"})
        if word == ":" and not brackets:
            return name
        if word == "=" and not brackets:
            return None
    return None


def function_sizes(text: str) -> Iterator[tuple[str, int]]:
    """Yield the qualified name and the number of code lines of every function."""
    scopes: list[tuple[str, int, set[int] | None]] = []  # name, depth, lines: none of a class
    for statement in statements(text):
        while scopes and scopes[-1][1] >= statement.depth:
            yield from closed(scopes)
        lines = set() if statement.is_text else statement.lines
        name = function_name(statement)
        if name is not None:
            scopes.append((name, statement.depth, set()))
        for _, _, held in scopes:
            if held is not None:
                held |= lines
        if name is None and (name := class_name(statement)) is not None:
            scopes.append((name, statement.depth, None))
    while scopes:
        yield from closed(scopes)


def closed(scopes: list[tuple[str, int, set[int] | None]]) -> Iterator[tuple[str, int]]:
    """Take the innermost scope away, and yield it if it is a function."""
    name = ".".join(scope[0] for scope in scopes)
    _, _, lines = scopes.pop()
    if lines is not None:
        yield name, len(lines)
