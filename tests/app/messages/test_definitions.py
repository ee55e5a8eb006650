"""JSON Schemas of many types in one document."""

from typing import Annotated, Literal

import msgspec
import pydantic
import pytest

from trunkline.app.messages.definitions import Definitions
from trunkline.app.messages.schema import schema_for


class Inner(msgspec.Struct):
    discriminator: str = "default"
    properties: list[str] = []


class Buy(msgspec.Struct, tag="buy"):
    inner: Inner
    pair: tuple[int, str] = (1, "a")


class Sell(msgspec.Struct, tag="sell"):
    what: Buy | None = None


class Model(pydantic.BaseModel):
    kind: Literal["model"]


class Tree(pydantic.BaseModel):
    kind: Literal["tree"]
    branches: list["Tree"] = []


class Holder(pydantic.BaseModel):
    either: Annotated[Model | Tree, pydantic.Field(discriminator="kind")]


def test_members_of_a_union_have_their_names() -> None:
    definitions = Definitions("#/x/")
    assert definitions.add(schema_for(Buy | Sell).describe()) == ["Buy", "Sell"]
    assert sorted(definitions.schemas) == ["Buy", "Inner", "Sell"]
    assert definitions.schemas["Buy"]["properties"]["inner"] == {"$ref": "#/x/Inner"}
    # What only looks like a keyword, or like a schema, is as it was.
    properties = definitions.schemas["Inner"]["properties"]
    assert properties["discriminator"] == {"type": "string", "default": "default"}
    assert properties["properties"]["default"] == []


def test_a_type_without_others_has_the_name_of_its_title() -> None:
    definitions = Definitions("#/x/")
    assert definitions.add(schema_for(Model).describe()) == ["Model"]
    assert definitions.schemas["Model"]["properties"]["kind"]["const"] == "model"
    assert definitions.add({"type": "string"}) == ["Message"]


def test_a_type_may_refer_to_itself() -> None:
    definitions = Definitions("#/x/")
    assert definitions.add(schema_for(Tree).describe()) == ["Tree"]
    items = definitions.schemas["Tree"]["properties"]["branches"]["items"]
    assert items == {"$ref": "#/x/Tree"}


def test_a_discriminator_is_the_name_of_a_property() -> None:
    definitions = Definitions("#/x/")
    assert definitions.add(schema_for(Holder).describe()) == ["Holder"]
    assert definitions.schemas["Holder"]["properties"]["either"]["discriminator"] == "kind"


def test_the_same_type_is_there_once() -> None:
    definitions = Definitions("#/x/")
    for _ in range(2):
        assert definitions.add(schema_for(Buy | Sell).describe()) == ["Buy", "Sell"]
    assert definitions.add(schema_for(Buy).describe()) == ["Buy"]
    assert len(definitions.schemas) == 3


@pytest.mark.parametrize("count", [1, 3])
def test_other_types_of_the_same_name_have_others(count: int) -> None:
    definitions = Definitions("#/x/")
    names = [
        definitions.add(
            {
                "$ref": "#/$defs/Order",
                "$defs": {
                    "Order": {"properties": {"part": {"$ref": "#/$defs/Part"}}},
                    "Part": {"const": number},
                },
            }
        )
        for number in range(count)
    ]
    assert names == [["Order"], ["Order_2"], ["Order_3"]][:count]
    assert len(definitions.schemas) == 2 * count
    last = names[-1][0]
    part = definitions.schemas[last]["properties"]["part"]["$ref"].removeprefix("#/x/")
    assert definitions.schemas[part] == {"const": count - 1}
