"""What an application was told about strangers, in words."""

import re
from dataclasses import replace
from typing import Any

import pytest

from tests.app.premises import new_app
from trunkline import Limits


def described(**options: Any) -> str:
    return new_app(**options).policy.describe()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "pages that may connect: those of the host that they connect to; for any host; "),
        ({"origins": None}, "pages that may connect: all of them; "),
        ({"origins": []}, "pages that may connect: none; "),
        ({"origins": [None]}, "pages that may connect: none; "),
        (
            {"origins": ["https://a.com", "null", re.compile(r"https://.*\.b\.com"), None]},
            r"pages that may connect: https://a.com, null, https://.*\.b\.com; ",
        ),
        ({"hosts": ["a.com", "*.b.com"]}, "; for 2 hosts; "),
        ({}, "; nobody is asked who they are"),
        ({"auth": lambda request: "ann"}, "; after signing in"),
    ],
)
def test_one_line_says_who_may_connect(options: dict[str, Any], words: str) -> None:
    line = described(**options)
    assert words in line
    assert "\n" not in line


OFF: list[tuple[dict[str, Any], str]] = [
    ({"max_connections": None}, "max_connections=None: one client can take all there is"),
    (
        {"max_connections_per_address": None},
        "max_connections_per_address=None: one client can take all there is",
    ),
    ({"handshake_rate": None}, "handshake_rate=None: one client can take all there is"),
    ({"max_size": None}, "max_size=None: one message can take all memory"),
    ({"open_timeout": None}, "open_timeout=None: who says nothing stays for ever"),
]


@pytest.mark.parametrize(("changes", "words"), OFF)
def test_what_was_switched_off_is_named(changes: dict[str, Any], words: str) -> None:
    assert new_app(limits=replace(Limits(), **changes)).policy.insecurities() == [words]


def test_everything_is_on_by_default() -> None:
    assert new_app().policy.insecurities() == []


def test_several_are_named_in_their_order() -> None:
    changes = {name: value for changes, _ in OFF for name, value in changes.items()}
    found = new_app(origins=None, limits=Limits(**changes)).policy.insecurities()
    assert found[0].startswith("origins=None: any page may connect")
    assert found[1:] == [words for _, words in OFF]
