"""Authentication by a function of the user's."""

from typing import Any

import pytest

from tests.auth.openings import bearing, opening, refusal
from trunkline import Request, RequestRefused
from trunkline.auth import Custom, Identity, MissingCredentials, Query, Subprotocol


def answering(answer: object, **options: Any) -> Custom:
    return Custom(lambda request: answer, **options)  # type: ignore[arg-type, return-value]


async def test_a_function_gives_an_identity_or_only_a_name() -> None:
    ada = Identity("ada", {"role": "countess"})
    assert await answering(ada).authenticate(opening()) is ada
    assert await answering("ada").authenticate(opening()) == Identity("ada")


async def test_a_function_may_be_async_and_sees_the_request() -> None:
    async def by_path(request: Request) -> str:
        return request.path.strip("/")

    assert await Custom(by_path).authenticate(opening("/ada")) == Identity("ada")


async def test_none_is_a_refusal() -> None:
    refused = await refusal(answering(None, challenge="Session"), opening())
    assert isinstance(refused, MissingCredentials)
    assert refused.headers == {"WWW-Authenticate": "Session"}


@pytest.mark.parametrize("answer", [True, False, 1, "", "a\nb", {"user": "ada"}, b"ada"])
async def test_anything_else_lets_nobody_in(
    answer: object, caplog: pytest.LogCaptureFixture
) -> None:
    refused = await refusal(answering(answer), opening())
    assert str(refused) == "500: see the server's log"
    assert "gave no identity: user" in caplog.text


async def test_a_function_that_fails_lets_nobody_in(caplog: pytest.LogCaptureFixture) -> None:
    def fail(request: Request) -> str:
        raise LookupError("no database")

    assert (await refusal(Custom(fail), opening())).status == 500
    assert "no database" in caplog.text


async def test_a_function_may_say_that_somebody_is_not_allowed() -> None:
    def forbid(request: Request) -> str:
        raise RequestRefused(403, "you were banned")

    assert str(await refusal(Custom(forbid), opening())) == "403: you were banned"


def test_the_authorization_header_is_concealed_unless_something_else_is_named() -> None:
    request = bearing("SECRET")
    answering("ada").conceal(request)
    assert request.headers["Authorization"] == "***"
    custom = answering("ada", conceals=[Query("key"), Subprotocol("key.")])
    request = opening("/?key=SECRET")
    custom.conceal(request)
    assert request.path == "/?key=***"
    assert custom.is_credential("key.x") and not custom.is_credential("chat")


def test_what_cannot_be_called_is_refused() -> None:
    with pytest.raises(TypeError, match="cannot be called with a request"):
        Custom("ada")  # type: ignore[arg-type]
