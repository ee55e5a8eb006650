"""What is known of somebody."""

import math
from typing import Any

import pytest

from trunkline.auth import Identity
from trunkline.limits import LARGEST_USER


def test_a_name_is_enough() -> None:
    identity = Identity("ada")
    assert (identity.user, dict(identity.claims), identity.expires_at) == ("ada", {}, None)


@pytest.mark.parametrize("user", ["#", "+", "*", ">", ".", ".*", "-", "Ада", "x" * LARGEST_USER])
def test_a_name_is_kept_as_it_stands(user: str) -> None:
    assert Identity(user, expires_at=1).user == user


@pytest.mark.parametrize(
    ("user", "error", "words"),
    [
        (7, TypeError, "user is of type int, not a string"),
        ("", ValueError, "user is an empty string"),
        ("x" * 257, ValueError, "user is 257 characters, limit 256"),
        ("ada\nroot", ValueError, "user has a character that cannot be printed"),
        ("ada\0", ValueError, "user has a character that cannot be printed"),
    ],
)
def test_a_name_that_would_be_trouble_is_refused(
    user: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        Identity(user)


@pytest.mark.parametrize("never", [math.nan, math.inf])
def test_an_end_is_a_point_in_time(never: float) -> None:
    with pytest.raises(ValueError, match="not seconds since the epoch"):
        Identity("ada", expires_at=never)
