"""Subprotocols: the server's preference decides."""

import pytest

from trunkline.server.subprotocol import select_subprotocol


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
