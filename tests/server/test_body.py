"""Bodies of requests: their length is known before they are read."""

import pytest

from trunkline import Headers, Request, RequestRefused
from trunkline.server.body import Body, body_size, expects_continue

LIMIT = 1000


def post(*headers: tuple[str, str]) -> Request:
    return Request("/", Headers(headers), "POST")


def test_a_body_is_whole_when_its_last_byte_is_there() -> None:
    request = post()
    body = Body(b"head", request, 4)
    assert not body.feed(b"ab")
    assert request.body == b""
    assert body.feed(b"cd, and what is too much")
    assert request.body == b"abcd"


@pytest.mark.parametrize("size", [0, 1, LIMIT])
def test_a_length_up_to_the_limit_is_taken(size: int) -> None:
    assert body_size(post(("Content-Length", str(size))), LIMIT) == size


def test_without_a_length_there_is_no_body() -> None:
    assert body_size(post(), LIMIT) == 0


@pytest.mark.parametrize(
    ("headers", "status", "reason"),
    [
        ([("Content-Length", "1001")], 413, "body is 1,001 bytes, limit 1,000"),
        ([("Content-Length", "9" * 19)], 413, None),
        ([("Content-Length", "9" * 20)], 400, "Content-Length cannot be read"),
        ([("Content-Length", "-1")], 400, "Content-Length cannot be read"),
        ([("Content-Length", "+1")], 400, "Content-Length cannot be read"),
        ([("Content-Length", "1"), ("Content-Length", "1")], 400, "Content-Length cannot be read"),
        ([("Transfer-Encoding", "chunked")], 411, "a body is sent with Content-Length"),
        (
            [("Transfer-Encoding", "chunked"), ("Content-Length", "1")],
            411,
            "a body is sent with Content-Length",
        ),
    ],
)
def test_a_length_that_is_too_much_or_ambiguous_is_refused(
    headers: list[tuple[str, str]], status: int, reason: str | None
) -> None:
    with pytest.raises(RequestRefused) as refused:
        body_size(post(*headers), LIMIT)
    assert refused.value.status == status
    assert reason in (None, refused.value.reason)


@pytest.mark.parametrize(
    ("value", "expects"), [("100-continue", True), ("100-Continue", True), ("other", False)]
)
def test_a_client_may_want_a_word_first(value: str, expects: bool) -> None:
    assert expects_continue(post(("Expect", value))) is expects


def test_most_clients_want_no_word_first() -> None:
    assert not expects_continue(post())
