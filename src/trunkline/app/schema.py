"""What messages of a route must be: checked before a handler sees them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Protocol, get_args

from trunkline.connection.consumer import Data

MISSING = "typed messages need msgspec: pip install 'trunkline[app]'"


class Unfit(ValueError):
    """A message is not what its route takes; the text says where, and why."""


class Schema(Protocol):
    """Reads and writes the messages of a route, as JSON."""

    def decode(self, data: Data) -> Any:
        """Read a message; raise `Unfit` where it is none of these."""

    def encode(self, value: Any) -> str:
        """Write a message."""

    def describe(self) -> Mapping[str, Any]:
        """Give the JSON Schema (2020-12) of the messages."""


def schema_for(kind: Any) -> Schema:
    """Make the schema of a type.

    Args:
        kind: a msgspec Struct, a dataclass, a pydantic model, or a union of such.

    Raises:
        TypeError: messages cannot be of this type.
        ImportError: what it needs is not installed.
    """
    if any(is_pydantic(part) for part in (kind, *get_args(kind))):
        return PydanticSchema(kind)
    return MsgspecSchema(kind)


def is_pydantic(kind: Any) -> bool:
    """Whether a type is a model of pydantic, which need not be installed."""
    return isinstance(kind, type) and hasattr(kind, "__pydantic_validator__")


def is_value(message: Any) -> bool:
    """Whether a message is an object that a schema writes, not text or bytes."""
    if isinstance(message, type):
        return False
    is_struct = hasattr(message, "__struct_fields__")
    return is_struct or is_pydantic(type(message)) or dataclasses.is_dataclass(message)


class MsgspecSchema:
    """Messages that msgspec reads: its Structs, dataclasses, and unions of them."""

    def __init__(self, kind: Any) -> None:
        try:
            from msgspec import json
        except ImportError:
            raise ImportError(MISSING) from None
        self._json = json
        self._kind = kind
        self._decoder = json.Decoder(kind)
        self._encoder = json.Encoder()

    def decode(self, data: Data) -> Any:
        """Read a message; raise `Unfit` where it is none of these."""
        try:
            return self._decoder.decode(data)
        except (ValueError, RecursionError) as error:
            raise Unfit(str(error)) from None

    def encode(self, value: Any) -> str:
        """Write a message."""
        return self._encoder.encode(value).decode()

    @cached_property
    def _described(self) -> Mapping[str, Any]:
        return self._json.schema(self._kind)

    def describe(self) -> Mapping[str, Any]:
        """Give the JSON Schema of the messages."""
        return self._described


class PydanticSchema:
    """Messages that pydantic reads."""

    def __init__(self, kind: Any) -> None:
        from pydantic import TypeAdapter

        self._adapter = TypeAdapter[Any](kind)

    def decode(self, data: Data) -> Any:
        """Read a message; raise `Unfit` where it is none of these."""
        from pydantic import ValidationError

        try:
            return self._adapter.validate_json(data)
        except ValidationError as error:
            raise Unfit("; ".join(map(in_words, error.errors()))) from None

    def encode(self, value: Any) -> str:
        """Write a message."""
        return self._adapter.dump_json(value).decode()

    def describe(self) -> Mapping[str, Any]:
        """Give the JSON Schema of the messages."""
        return self._adapter.json_schema()


def in_words(error: Mapping[str, Any]) -> str:
    """Say what pydantic has found, without what was in the message."""
    place = ".".join(str(part) for part in error["loc"])
    return f"{error['msg']} - at `$.{place}`" if place else str(error["msg"])
