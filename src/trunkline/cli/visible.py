"""Text that does to a terminal nothing but appear: what a peer sends may hold escape sequences."""

from __future__ import annotations

import unicodedata

# Other characters of format and every control character could move, hide or turn round text.
HARMFUL = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# It joins emoji, and does nothing else.
ZERO_WIDTH_JOINER = "\u200d"
WITHOUT_WIDTH = frozenset({"Mn", "Me", "Cf"})
WIDE = frozenset({"W", "F"})


def visible(text: str) -> str:
    """Replace what could steer a terminal by its escape sequence in Python."""
    return text if text.isprintable() else "".join(map(visible_character, text))


def visible_character(character: str) -> str:
    """Give a character, or its escape sequence."""
    if character == ZERO_WIDTH_JOINER or unicodedata.category(character) not in HARMFUL:
        return character
    return character.encode("unicode_escape").decode()


def columns(text: str) -> int:
    """Count the columns that a terminal needs for visible text."""
    return sum(map(character_columns, text))


def character_columns(character: str) -> int:
    """Count the columns of one visible character: none for marks, two for wide ones."""
    if unicodedata.category(character) in WITHOUT_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(character) in WIDE else 1
