"""What a fuzzer's bytes decide, taken from the front of them."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


class Choices:
    """Bytes that are read as decisions; where they are used up, every decision is the first one."""

    def __init__(self, data: bytes) -> None:
        self.rest = data

    def some(self, size: int) -> bytes:
        """Take up to `size` bytes."""
        taken, self.rest = self.rest[:size], self.rest[size:]
        return taken

    def number(self) -> int:
        """Take a number from 0 to 255."""
        return int.from_bytes(self.some(1), "big")

    def one_of(self, options: Sequence[T]) -> T:
        """Choose."""
        return options[self.number() % len(options)]

    def pieces(self) -> Iterator[bytes]:
        """Give all that is left in pieces of one size, which may be a single byte."""
        size = self.number() or 1
        while self.rest:
            yield self.some(size)
