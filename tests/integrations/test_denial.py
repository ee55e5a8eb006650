"""Responses that an application sends instead of accepting."""

from __future__ import annotations

import pytest

from trunkline.integrations.denial import Denial

START = {"type": "websocket.http.response.start"}
BODY = {"type": "websocket.http.response.body"}


def test_a_response_is_collected_from_its_parts() -> None:
    denial = Denial()
    denial.start({**START, "status": 402, "headers": [(b"x-own", b"1"), (b"date", b"mine")]})
    assert not denial.add({**BODY, "body": b"pay ", "more_body": True})
    assert not denial.add({**BODY, "more_body": True})
    assert denial.add({**BODY, "body": b"first"})
    response = denial.response([(b"server", b"uvicorn"), (b"date", b"not this one")])
    assert (response.status_code, response.reason_phrase) == (402, "Payment Required")
    assert response.body == b"pay first"
    assert list(response.headers.raw_items()) == [
        ("x-own", "1"),
        ("date", "mine"),
        ("server", "uvicorn"),
        ("Content-Length", "9"),
        ("Connection", "close"),
    ]


def test_headers_that_frame_the_response_are_the_servers() -> None:
    denial = Denial()
    framing = [(b"Transfer-Encoding", b"chunked"), (b"content-length", b"1"), (b"connection", b"x")]
    denial.start({**START, "status": 599, "headers": framing})
    assert denial.add(dict(BODY))
    response = denial.response([])
    assert (response.reason_phrase, response.body) == ("", b"")
    assert list(response.headers.raw_items()) == [("Content-Length", "0"), ("Connection", "close")]


@pytest.mark.parametrize("status", [101, 199, 600, "401"])
def test_a_status_that_denies_nothing_is_a_mistake(status: object) -> None:
    with pytest.raises(RuntimeError, match="cannot deny a connection, 200 to 599 can"):
        Denial().start({**START, "status": status})
