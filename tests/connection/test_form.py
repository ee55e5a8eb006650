"""Which connections are sent the same bytes."""

import pytest

from trunkline.connection.form import PLAIN, Form, form_of
from trunkline.protocol.extensions import DeflateParameters, Direction
from trunkline.protocol.role import Role


def deflate(bits: int, *, forgets: bool = True) -> DeflateParameters:
    return DeflateParameters(server=Direction(forgets, bits), client=Direction())


def test_servers_without_compression_send_alike() -> None:
    assert form_of(Role.SERVER, None, 64) == form_of(Role.SERVER, None, 1000) == PLAIN


def test_a_client_masks_for_itself() -> None:
    assert form_of(Role.CLIENT, None, 64) is None


def test_with_context_takeover_nobody_sends_alike() -> None:
    assert form_of(Role.SERVER, deflate(12, forgets=False), 64) is None


@pytest.mark.parametrize(("agreed", "used"), [(8, 9), (9, 9), (11, 11), (12, 12), (15, 12)])
def test_a_larger_window_reads_what_a_smaller_one_has_written(agreed: int, used: int) -> None:
    assert form_of(Role.SERVER, deflate(agreed), 64) == Form(used, 64)
