"""The words of a refusal."""

import pytest

from trunkline import Headers, InvalidHandshake, Response
from trunkline.testing.failure import Failure, Refused


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"not for you\n", "/admin was refused with 403 Forbidden: not for you"),
        (b"", "/admin was refused with 403 Forbidden"),
        (b"\xff", "/admin was refused with 403 Forbidden: \ufffd"),
    ],
)
def test_a_refusal_says_what_was_asked_and_answered(body: bytes, text: str) -> None:
    response = Response(403, "Forbidden", Headers(), body)
    refused = Refused("/admin", response)
    assert str(refused) == text
    assert (refused.status, refused.response) == (403, response)
    assert isinstance(refused, InvalidHandshake)


def test_a_failure_is_what_test_runners_know() -> None:
    assert issubclass(Failure, AssertionError)
