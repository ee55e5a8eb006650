"""What kind of request it is."""

import pytest

from trunkline import Headers, Request, RequestRefused
from trunkline.app.routing.method import check_get, is_upgrade, method_of


def asked(method: str = "GET", *lines: tuple[str, str]) -> Request:
    return Request("/", Headers([("Host", "a"), *lines]), method)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("websocket", True), ("WebSocket", True), ("h2c, websocket", True), ("h2c", False)],
)
def test_upgrade_asks_for_a_websocket(value: str, expected: bool) -> None:
    assert is_upgrade(asked("GET", ("Upgrade", value))) is expected


def test_most_requests_ask_for_none() -> None:
    assert not is_upgrade(asked())


def test_a_preflight_asks_about_another_method() -> None:
    origin, wanted = ("Origin", "https://a"), ("Access-Control-Request-Method", "PUT")
    assert method_of(asked("OPTIONS", origin, wanted)) == "PUT"
    assert method_of(asked("OPTIONS", origin)) == "OPTIONS"
    assert method_of(asked("POST", origin, wanted)) == "POST"
    # Twice is no method at all, and no route has it.
    assert method_of(asked("OPTIONS", origin, wanted, wanted)) == "PUT, PUT"
    assert method_of(asked("OPTIONS", origin, ("Access-Control-Request-Method", ""))) == ""


def test_a_websocket_is_opened_with_get() -> None:
    check_get(asked())
    with pytest.raises(RequestRefused, match="405: only GET opens a WebSocket") as caught:
        check_get(asked("POST"))
    assert caught.value.headers == {"Allow": "GET"}
