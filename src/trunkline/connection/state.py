"""The life of a connection as users see it."""

from enum import IntEnum


class State(IntEnum):
    """The four states, with the numbers of the browser's `readyState`."""

    CONNECTING = 0
    OPEN = 1
    CLOSING = 2
    CLOSED = 3
