"""The two roles (RFC 6455 §5.1)."""

from trunkline.protocol.role import Role


def test_the_client_masks_and_the_server_does_not() -> None:
    assert {role: role.masks for role in Role} == {Role.CLIENT: True, Role.SERVER: False}
