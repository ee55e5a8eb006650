"""What a handler sends: objects of types of messages, written as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trunkline.app.messages.schema import encode, is_value, parts_of, schema_for


class Outgoing:
    """Writes the objects that the handler of a route sends.

    Args:
        kind: what they have to be, as `schema_for()` takes it; `None` for any type of messages.

    Raises:
        TypeError: messages cannot be of this type.
        ImportError: what it needs is not installed.
    """

    def __init__(self, kind: Any = None) -> None:
        self._kinds = () if kind is None else tuple(parts_of(kind))
        # Each by itself: nobody here has to tell them apart, so that they need no tags.
        self._schemas = [schema_for(each) for each in self._kinds]

    def describe(self) -> list[Mapping[str, Any]]:
        """Give the JSON Schemas of what is sent; none where that may be anything."""
        return [schema.describe_written() for schema in self._schemas]

    def write(self, message: Any) -> Any:
        """Give what is sent for an object of a type of messages; text and bytes stay.

        Raises:
            TypeError: it is an object of another type than the route says.
        """
        if not is_value(message):
            return message
        if self._kinds and not isinstance(message, self._kinds):
            names = " or ".join(kind.__qualname__ for kind in self._kinds)
            raise TypeError(f"the route sends {names}, not {type(message).__qualname__}")
        return encode(message)
