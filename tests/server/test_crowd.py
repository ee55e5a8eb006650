"""Counts of connections: at each limit, one above it, and nothing left behind."""

from random import Random

import pytest

from trunkline import Limits, RequestRefused
from trunkline.server.crowd import Crowd, Headcount

UNLIMITED = Limits(
    max_connections=None, max_connections_per_address=None, max_connections_per_user=None
)


def crowd_of(process: int = 9999, address: int = 9999, user: int = 9999) -> Crowd:
    return Crowd(
        Limits(
            max_connections=process,
            max_connections_per_address=address,
            max_connections_per_user=user,
        )
    )


def test_a_process_has_so_many_and_not_one_more() -> None:
    crowd = crowd_of(process=1000)
    for number in range(1000):
        crowd.enter(f"10.0.0.{number}")
    with pytest.raises(RequestRefused) as caught:
        crowd.enter("192.0.2.1")
    assert str(caught.value) == "503: 1,001 connections, limit 1,000"
    assert caught.value.headers == {"Retry-After": "5"}
    crowd.leave("10.0.0.0")
    crowd.enter("192.0.2.1")
    assert len(crowd) == 1000


def test_an_address_has_so_many_and_not_one_more() -> None:
    crowd = crowd_of(address=2)
    crowd.enter("192.0.2.1")
    crowd.enter("192.0.2.1")
    with pytest.raises(RequestRefused) as caught:
        crowd.enter("192.0.2.1")
    assert str(caught.value) == "429: 3 connections from this address, limit 2"
    assert len(crowd) == 2
    crowd.enter("192.0.2.2")
    crowd.leave("192.0.2.1")
    crowd.enter("192.0.2.1")
    assert crowd.addresses.of("192.0.2.1") == 2


def test_a_user_has_so_many_from_all_addresses_together() -> None:
    crowd = crowd_of(user=1)
    for address in ("192.0.2.1", "192.0.2.2"):
        crowd.enter(address)
    crowd.identify("ada")
    with pytest.raises(RequestRefused) as caught:
        crowd.identify("ada")
    assert str(caught.value) == "429: 2 connections by this user, limit 1"
    crowd.identify("bob")
    assert len(crowd) == 2


def test_a_limit_of_zero_lets_nobody_in() -> None:
    with pytest.raises(RequestRefused, match="1 connections, limit 0"):
        crowd_of(process=0).enter("192.0.2.1")
    with pytest.raises(RequestRefused, match="1 connections from this address, limit 0"):
        crowd_of(address=0).enter("192.0.2.1")


def test_without_limits_only_the_total_is_counted() -> None:
    crowd = Crowd(UNLIMITED)
    for _ in range(100):
        crowd.enter("192.0.2.1")
        crowd.identify("ada")
    assert (len(crowd), len(crowd.addresses), len(crowd.users)) == (100, 0, 0)
    for _ in range(100):
        crowd.leave("192.0.2.1", "ada")
    assert len(crowd) == 0


def test_whoever_was_not_counted_cannot_leave() -> None:
    with pytest.raises(KeyError):
        Headcount("things", 1).leave("nobody")


def test_nothing_is_left_behind_when_everybody_has_left() -> None:
    crowd, dice = crowd_of(process=200, address=9, user=7), Random(7)
    present: list[tuple[str, str | None]] = []
    refused = 0
    for _ in range(5000):
        if present and dice.random() < 0.4:
            crowd.leave(*present.pop(dice.randrange(len(present))))
            continue
        address, user = f"10.0.0.{dice.randrange(40)}", f"user {dice.randrange(40)}"
        try:
            crowd.enter(address)
        except RequestRefused:
            refused += 1
            continue
        try:
            crowd.identify(user)
        except RequestRefused:
            crowd.leave(address)
        else:
            present.append((address, user))
    assert refused > 0
    assert len(crowd) == len(present) <= 200
    for address, user in present:
        crowd.leave(address, user)
    assert (len(crowd), len(crowd.addresses), len(crowd.users)) == (0, 0, 0)
