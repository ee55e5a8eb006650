"""What messages of a route must be: checked before a handler sees them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, Protocol, Union, get_args, get_origin

from trunkline.connection.consumer import Data
from trunkline.limits import LARGEST_COMPLAINT

MISSING = "typed messages need msgspec: pip install 'trunkline[app]'"


class Unfit(ValueError):
    """A message is not what its route takes; the text says where, and why, in one short line."""

    def __init__(self, complaint: str) -> None:
        # A part of it may be the peer's own words.
        line = "".join(char if char.isprintable() else "?" for char in complaint)
        super().__init__(line[:LARGEST_COMPLAINT])


class Schema(Protocol):
    """Reads the messages of a route, which are JSON."""

    def decode(self, data: Data) -> Any:
        """Read a message; raise `Unfit` where it is none of these."""

    def describe(self) -> Mapping[str, Any]:
        """Give the JSON Schema (2020-12) of the messages."""

    def describe_written(self) -> Mapping[str, Any]:
        """Give the JSON Schema of what `encode()` makes of objects of the type."""


def schema_for(kind: Any) -> Schema:
    """Make the schema of a type.

    Args:
        kind: a msgspec Struct, a dataclass, a pydantic model, or a union of such.

    Raises:
        TypeError: messages cannot be of this type.
        ImportError: what it needs is not installed.
    """
    parts = list(parts_of(kind))
    for part in parts:
        if not is_model(part):
            named = getattr(part, "__qualname__", repr(part))
            expected = "a msgspec Struct, a dataclass, a pydantic model, or a union of such"
            raise TypeError(f"messages cannot be of type {named}: it must be {expected}")
    return PydanticSchema(kind) if any(map(is_pydantic, parts)) else MsgspecSchema(kind)


def parts_of(kind: Any) -> Iterator[Any]:
    """Give the types of a union, or the one that there is."""
    origin = get_origin(kind)
    if origin is Annotated:
        yield from parts_of(get_args(kind)[0])
    elif origin in (Union, UnionType):
        for part in get_args(kind):
            yield from parts_of(part)
    else:
        yield kind


def is_pydantic(kind: Any) -> bool:
    """Whether a type is a model of pydantic, which need not be installed."""
    return isinstance(kind, type) and hasattr(kind, "__pydantic_validator__")


def is_struct(kind: Any) -> bool:
    """Whether a type is a Struct of msgspec, which need not be installed."""
    return isinstance(kind, type) and isinstance(getattr(kind, "__struct_fields__", None), tuple)


def is_model(kind: Any) -> bool:
    """Whether messages can be of a type."""
    is_dataclass = isinstance(kind, type) and dataclasses.is_dataclass(kind)
    return is_dataclass or is_struct(kind) or is_pydantic(kind)


def is_value(message: Any) -> bool:
    """Whether a message is an object that `encode()` writes, not text or bytes."""
    return is_model(type(message))


def encode(value: Any) -> str:
    """Write an object of a type of messages, which need not be the type of a route."""
    if is_pydantic(type(value)):
        # By the names under which a message is read, as msgspec does it, too.
        written: bytes = type(value).__pydantic_serializer__.to_json(value, by_alias=True)
        return written.decode()
    text: bytes = _encoder().encode(value)
    return text.decode()


@lru_cache(maxsize=1)
def _encoder() -> Any:
    return msgspec_json().Encoder()


def msgspec_json() -> Any:
    """Import msgspec; raise `ImportError` with words that say what to install."""
    try:
        from msgspec import json
    except ImportError:
        raise ImportError(MISSING) from None
    return json


class MsgspecSchema:
    """Messages that msgspec reads: its Structs, dataclasses, and unions of them."""

    def __init__(self, kind: Any) -> None:
        self._json = msgspec_json()
        self._kind = kind
        self._decoder = self._json.Decoder(kind)

    def decode(self, data: Data) -> Any:
        """Read a message; raise `Unfit` where it is none of these."""
        try:
            return self._decoder.decode(data)
        except (ValueError, RecursionError) as error:
            raise Unfit(str(error)) from None

    def describe(self) -> Mapping[str, Any]:
        """Give the JSON Schema of the messages."""
        described: Mapping[str, Any] = self._json.schema(self._kind)
        return described

    def describe_written(self) -> Mapping[str, Any]:
        """Give the same: what is written can be read."""
        return self.describe()


class PydanticSchema:
    """Messages that pydantic reads: its models, dataclasses, and unions of them."""

    def __init__(self, kind: Any) -> None:
        from pydantic import PydanticUserError, TypeAdapter

        try:
            self._adapter = TypeAdapter[Any](kind)
        except PydanticUserError as error:
            problem = str(error).partition("\n")[0]
            raise TypeError(f"pydantic cannot read messages of {kind}: {problem}") from None

    def decode(self, data: Data) -> Any:
        """Read a message; raise `Unfit` where it is none of these."""
        from pydantic import ValidationError
        from pydantic_core import from_json

        try:
            # RFC 8259 §6: there is no NaN and no Infinity, which pydantic would read
            from_json(data, allow_inf_nan=False)
            return self._adapter.validate_json(data)
        except ValidationError as error:
            raise Unfit(in_words(error)) from None
        except ValueError as error:
            raise Unfit(f"JSON is malformed: {error}") from None

    def describe(self) -> Mapping[str, Any]:
        """Give the JSON Schema of the messages."""
        return self._adapter.json_schema()

    def describe_written(self) -> Mapping[str, Any]:
        """Give the JSON Schema of what is written: with computed fields, and all that are set."""
        return self._adapter.json_schema(mode="serialization")


def in_words(error: Any) -> str:
    """Say what pydantic has found first, and how much more there is."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    first, *others = found
    place = ".".join(str(part) for part in first["loc"])
    words = f"{first['msg']} - at `$.{place}`" if place else str(first["msg"])
    return f"{words} (and {len(others):,} more)" if others else words
