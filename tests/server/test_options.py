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


HOOKS = ("process_request", "process_response", "select_subprotocol")


@pytest.mark.parametrize("hook", HOOKS)
def test_one_hook_is_a_hook(hook: str) -> None:
    without: dict[str, Any] = VALUES | dict.fromkeys(HOOKS)
    assert not ServerOptions(**without).has_hooks
    assert ServerOptions(**without | {hook: print}).has_hooks
