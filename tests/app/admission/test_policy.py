"""What an application was told about strangers, in words."""

import re
from dataclasses import replace
from typing import Any

import pytest

from tests.app.premises import new_app
from trunkline import APP_LIMITS, Limits
from trunkline.server.trust import TrustedProxies


def described(**options: Any) -> str:
    return new_app(**options).policy.describe()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "connect: those of the host that they connect to, and whoever sends no Origin; hosts"),
        ({"origins": None}, "may connect: all of them, and whoever sends no Origin; "),
        ({"origins": []}, "pages that may connect: none, and nobody else; "),
        ({"origins": [None]}, "pages that may connect: none, and whoever sends no Origin; "),
        ({"origins": ["https://a.com"]}, "connect: https://a.com, and nobody else; hosts: any; "),
        (
            {"origins": ["https://a.com", "null", re.compile(r"https://.*\.b\.com"), None]},
            r"connect: https://a.com, null, https://.*\.b\.com, and whoever sends no Origin; ",
        ),
        ({"hosts": ["a.com", "*.b.com"]}, "; hosts: 2; "),
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
    ({"message_rate": None}, "message_rate=None: one client can keep the process busy"),
    ({"byte_rate": None}, "byte_rate=None: one client can keep the process busy"),
    ({"control_rate": None}, "control_rate=None: one client can keep the process busy"),
    ({"ping_interval": None}, "ping_interval=None: who has gone without a word stays for ever"),
    ({"ping_timeout": None}, "ping_timeout=None: who has gone without a word stays for ever"),
]


@pytest.mark.parametrize(("changes", "words"), OFF)
def test_what_was_switched_off_is_named(changes: dict[str, Any], words: str) -> None:
    assert new_app(limits=replace(APP_LIMITS, **changes)).policy.insecurities() == [words]


def test_limits_that_begin_with_those_of_serve_have_no_rates() -> None:
    found = new_app(limits=Limits(max_size=1000)).insecurities()
    assert [each.partition("=")[0] for each in found] == [
        "message_rate",
        "byte_rate",
        "control_rate",
    ]


def test_what_only_a_route_has_switched_off_is_named_with_it() -> None:
    app = new_app(limits=replace(APP_LIMITS, ping_timeout=None))
    app.websocket("/a")(lambda request: None)
    app.websocket("/b", origins=None)(lambda request: None)
    app.websocket("/d", limits=replace(APP_LIMITS, max_size=None))(lambda request: None)
    assert app.insecurities() == [
        "ping_timeout=None: who has gone without a word stays for ever",
        "/b: origins=None: any page may connect, with the cookies of its visitor",
        "/d: max_size=None: one message can take all memory",
    ]


def test_everything_is_on_by_default() -> None:
    assert new_app().policy.insecurities() == []


def test_several_are_named_in_their_order() -> None:
    changes = {name: value for changes, _ in OFF for name, value in changes.items()}
    found = new_app(origins=None, limits=Limits(**changes)).policy.insecurities()
    assert found[0].startswith("origins=None: any page may connect")
    assert found[1:] == [words for _, words in OFF]


@pytest.mark.parametrize(
    ("proxies", "proxy_protocol"),
    [(TrustedProxies(), True), (TrustedProxies(header="Forwarded"), False)],
)
def test_words_of_proxies_are_refused_where_nobody_would_be_believed(
    proxies: TrustedProxies, proxy_protocol: bool
) -> None:
    with pytest.raises(ValueError, match="needs trusted_proxies, the addresses of your proxies"):
        replace(new_app().policy, proxies=proxies, proxy_protocol=proxy_protocol)
    trusted = TrustedProxies(["unix"], header=proxies.header)
    assert replace(new_app().policy, proxies=trusted, proxy_protocol=proxy_protocol).proxies
