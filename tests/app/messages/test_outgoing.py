"""What a handler sends: objects of the types that the route says."""

import dataclasses
from typing import Any

import msgspec
import pydantic
import pytest

from trunkline.app.messages.outgoing import Outgoing


class Filled(msgspec.Struct):
    price: float


class Rejected(pydantic.BaseModel):
    why: str


@dataclasses.dataclass
class Late:
    seconds: int


class PartlyFilled(Filled):
    rest: int


KIND = Filled | Rejected | Late


@pytest.mark.parametrize(
    ("message", "written"),
    [
        (Filled(2.5), '{"price":2.5}'),
        (PartlyFilled(2.5, 3), '{"price":2.5,"rest":3}'),
        (Rejected(why="late"), '{"why":"late"}'),
        (Late(3), '{"seconds":3}'),
        ("as it is", "as it is"),
        (b"as it is", b"as it is"),
    ],
)
def test_objects_are_written_and_all_else_stays(message: Any, written: Any) -> None:
    assert Outgoing(KIND).write(message) == written
    assert Outgoing().write(message) == written


def test_an_object_of_another_type_is_an_error() -> None:
    with pytest.raises(TypeError, match=r"^the route sends Filled or Rejected, not Late$"):
        Outgoing(Filled | Rejected).write(Late(3))


def test_each_type_is_described_by_itself() -> None:
    described = Outgoing(KIND).describe()
    assert [str(each).count("price") > 0 for each in described] == [True, False, False]
    assert len(described) == 3
    assert Outgoing().describe() == []


@pytest.mark.parametrize("kind", [int, dict, Filled | None, "Filled"])
def test_other_types_are_none(kind: Any) -> None:
    with pytest.raises(TypeError, match="messages cannot be of type"):
        Outgoing(kind)
