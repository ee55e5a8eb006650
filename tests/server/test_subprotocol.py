"""Subprotocols: the server's preference decides, or a function of the user's."""

from typing import Any

import pytest

from trunkline.server.subprotocol import ask_for_subprotocol, select_subprotocol

CONNECTION: Any = object()


@pytest.mark.parametrize(
    ("offered", "supported", "chosen"),
    [
        ([], [], None),
        (["chat"], [], None),
        ([], ["chat"], None),
        (["chat"], ["chat"], "chat"),
        (["chat", "superchat"], ["superchat", "chat"], "superchat"),
        (["chat"], ["superchat"], None),
        (["Chat"], ["chat"], None),
    ],
)
def test_the_first_supported_one_that_is_offered_is_chosen(
    offered: list[str], supported: list[str], chosen: str | None
) -> None:
    assert select_subprotocol(offered, supported) == chosen


@pytest.mark.parametrize("chosen", ["chat", None])
def test_a_function_may_choose_one_that_is_offered_or_none(chosen: str | None) -> None:
    asked: list[Any] = []

    def select(connection: Any, offered: Any) -> str | None:
        asked.append((connection, offered))
        return chosen

    assert ask_for_subprotocol(select, CONNECTION, ["superchat", "chat"]) == chosen
    assert asked == [(CONNECTION, ["superchat", "chat"])]


def test_a_function_that_chooses_another_is_wrong() -> None:
    with pytest.raises(ValueError, match="selected subprotocol 'chat' was not offered"):
        ask_for_subprotocol(lambda connection, offered: "chat", CONNECTION, ["Chat"])
