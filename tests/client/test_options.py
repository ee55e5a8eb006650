"""Options of a client: made once, and aware of where they lead."""

import socket
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import pytest

from trunkline.client.options import ClientOptions

NOWHERE: dict[str, Any] = dict.fromkeys(field.name for field in fields(ClientOptions))


def test_options_do_not_change_under_an_attempt() -> None:
    with pytest.raises(FrozenInstanceError):
        ClientOptions(**NOWHERE).origin = "x"  # type: ignore[misc]


def test_without_a_place_the_address_leads() -> None:
    assert not ClientOptions(**NOWHERE).is_directed


@pytest.mark.parametrize(
    "place", [{"host": "::1"}, {"port": 81}, {"path": "/run/socket"}, {"local_addr": ("", 0)}]
)
def test_a_place_leads_elsewhere_than_the_address(place: dict[str, Any]) -> None:
    assert replace(ClientOptions(**NOWHERE), **place).is_directed is ("local_addr" not in place)


def test_a_socket_leads_elsewhere() -> None:
    with socket.socket() as sock:
        assert replace(ClientOptions(**NOWHERE), sock=sock).is_directed
