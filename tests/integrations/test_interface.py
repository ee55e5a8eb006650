"""The words of ASGI."""

from collections.abc import MutableMapping
from typing import get_origin

from trunkline.integrations import interface


def test_messages_and_scopes_are_mappings_that_can_be_changed() -> None:
    assert interface.Scope == interface.Message
    assert get_origin(interface.Scope) is MutableMapping
