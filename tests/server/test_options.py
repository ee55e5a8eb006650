"""Options of a server: made once, changed never."""

from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest

from trunkline.server.options import ServerOptions

VALUES: dict[str, Any] = {field.name: object() for field in fields(ServerOptions)}


def test_options_keep_what_serve_was_told() -> None:
    options = ServerOptions(**VALUES)
    assert {name: getattr(options, name) for name in VALUES} == VALUES


def test_options_do_not_change_under_a_running_server() -> None:
    with pytest.raises(FrozenInstanceError):
        ServerOptions(**VALUES).origins = None  # type: ignore[misc]
