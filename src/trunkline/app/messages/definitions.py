"""JSON Schemas of many types in one document, each under a name of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

INSIDE = "#/$defs/"
"""How schemas refer to each other where each of them is a document of its own."""

NAMED = frozenset({"properties", "patternProperties", "$defs"})
"""Keywords with schemas by names, which may be called like keywords."""

VALUES = frozenset({"default", "const", "enum", "examples"})
"""Keywords with values, which only look like schemas."""

UNNAMED = "Message"


class Definitions:
    """Takes schemas in, and keeps what they are made of.

    Args:
        place: where the document has them, such as `#/components/schemas/`.
    """

    def __init__(self, place: str) -> None:
        self.schemas: dict[str, Any] = {}
        self._place = place

    def add(self, described: Mapping[str, Any]) -> list[str]:
        """Take a schema in, as `Schema.describe()` gives it.

        Returns:
            Under which name it is there; for a union, the names of its members.
        """
        found, members = taken_apart(described)
        suffix, number = "", 1
        while not self._has_room_for(adapted := self._adapt_all(found, suffix)):
            number += 1
            suffix = f"_{number}"
        self.schemas |= adapted
        return [f"{name}{suffix}" for name in members]

    def _has_room_for(self, adapted: Mapping[str, Any]) -> bool:
        """Whether no other type has one of the names."""
        return all(self.schemas.get(name, each) == each for name, each in adapted.items())

    def _adapt_all(self, found: Mapping[str, Any], suffix: str) -> dict[str, Any]:
        return {f"{name}{suffix}": self._adapt(schema, suffix) for name, schema in found.items()}

    def _adapt(self, schema: Any, suffix: str) -> Any:
        """Give a schema with references into this document."""
        if isinstance(schema, list):
            return [self._adapt(each, suffix) for each in schema]
        if not isinstance(schema, Mapping):
            return schema
        return {key: self._adapt_keyword(key, schema[key], suffix) for key in schema}

    def _adapt_keyword(self, key: str, value: Any, suffix: str) -> Any:
        if key in VALUES:
            return value
        if key == "$ref":
            return f"{self._place}{value.removeprefix(INSIDE)}{suffix}"
        if key in NAMED:
            return {name: self._adapt(each, suffix) for name, each in value.items()}
        # OpenAPI has an object here; AsyncAPI only the name of the property.
        if key == "discriminator":
            return value["propertyName"]
        return self._adapt(value, suffix)


def taken_apart(described: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Give all schemas of a document by their names, and which of them are its messages."""
    found = dict(described.get("$defs", {}))
    whole = {key: value for key, value in described.items() if key != "$defs"}
    members = []
    for member in whole.get("anyOf") or whole.get("oneOf") or [whole]:
        name = member.get("$ref", "").removeprefix(INSIDE)
        if not name:
            name = member.get("title", UNNAMED)
            found[name] = member
        members.append(name)
    return found, members
