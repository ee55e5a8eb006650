"""Requests that another server has read: what is accepted of them, and how they are refused."""

from __future__ import annotations

import pytest

from tests.server.wire import request
from trunkline.errors import RequestRefused
from trunkline.integrations.opening import read_opening
from trunkline.limits import Limits
from trunkline.protocol.extensions import Deflate

OFFER = "permessage-deflate"


def test_a_request_is_answered_as_far_as_it_goes() -> None:
    head = request("/a?b", Sec_WebSocket_Protocol="x, y", Sec_WebSocket_Extensions=OFFER)
    opening = read_opening(head, Limits(), Deflate())
    assert opening.request.path == "/a?b"
    assert opening.subprotocols == ["x", "y"]
    assert opening.agreement.deflate is not None
    assert opening.agreement.subprotocol is None
    assert opening.response.status_code == 101
    assert "Sec-WebSocket-Protocol" not in opening.response.headers


def test_without_compression_none_is_agreed_on() -> None:
    opening = read_opening(request(Sec_WebSocket_Extensions=OFFER), Limits(), None)
    assert opening.agreement.deflate is None


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (request(X="x" * 20_000), 431),
        (request(Upgrade=None), 426),
        (request(Sec_WebSocket_Key="x"), 400),
        (request(Sec_WebSocket_Extensions=";"), 400),
        (request(Content_Length="1"), 400),
    ],
)
def test_what_breaks_a_rule_is_refused(head: bytes, status: int) -> None:
    with pytest.raises(RequestRefused) as caught:
        read_opening(head, Limits(), Deflate())
    assert caught.value.status == status
