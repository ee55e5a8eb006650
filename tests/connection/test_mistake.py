"""What a handler raises is a mistake of its own; an exit, too, on the side of a server."""

import logging

import pytest

from trunkline.connection.mistake import EXIT, log_mistake, mistakes_of
from trunkline.protocol.role import Role


@pytest.mark.parametrize(
    ("role", "kind", "is_mistake"),
    [
        (Role.SERVER, LookupError, True),
        (Role.SERVER, SystemExit, True),
        (Role.SERVER, KeyboardInterrupt, False),
        (Role.CLIENT, LookupError, True),
        (Role.CLIENT, SystemExit, False),
    ],
)
def test_a_client_may_exit_in_its_handler(
    role: Role, kind: type[BaseException], is_mistake: bool
) -> None:
    assert issubclass(kind, mistakes_of(role)) is is_mistake


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (LookupError("a bug"), "handler failed"),
        (SystemExit(1), f"handler failed{EXIT}"),
    ],
)
def test_what_became_of_an_exit_is_said(
    error: BaseException, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    log_mistake(logging.getLogger("trunkline.test"), "handler", error)
    (record,) = caplog.records
    assert record.getMessage() == text
    assert record.exc_info is not None and record.exc_info[1] is error
