"""User and password: who comes in, and what is said to everybody else."""

import hmac
from base64 import b64encode
from typing import Any

import pytest

from tests.auth.openings import opening, refusal
from trunkline import Request
from trunkline.auth import Basic, Identity, MissingCredentials

USERS = {"ada": "secret", "Ада": "пароль:с двоеточием"}


def shown(user: str, password: str, scheme: str = "Basic") -> Request:
    return raw(b64encode(f"{user}:{password}".encode()).decode(), scheme)


def raw(text: str, scheme: str = "Basic") -> Request:
    return opening("/", ("Authorization", f"{scheme} {text}"))


@pytest.mark.parametrize("user", USERS)
async def test_a_user_with_the_right_password_comes_in(user: str) -> None:
    assert await Basic(USERS).authenticate(shown(user, USERS[user])) == Identity(user)


async def test_the_scheme_has_any_case() -> None:
    assert await Basic(USERS).authenticate(shown("ada", "secret", "bASIC")) == Identity("ada")


@pytest.mark.parametrize(
    ("user", "password"),
    [("ada", "Secret"), ("ada", ""), ("ada", "secret "), ("bob", "secret"), ("ADA", "secret")],
)
async def test_a_wrong_user_and_a_wrong_password_are_told_the_same(
    user: str, password: str
) -> None:
    refused = await refusal(Basic(USERS, realm="chat room"), shown(user, password))
    assert str(refused) == "401: user or password is wrong"
    assert refused.headers == {"WWW-Authenticate": 'Basic realm="chat room", charset="UTF-8"'}


@pytest.mark.parametrize("user", ["ada", "nobody"])
async def test_a_password_is_compared_in_constant_time_also_for_a_user_who_is_not_there(
    user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = []

    def compare(known: bytes, given: bytes) -> bool:
        compared.append((len(known), len(given)))
        return False

    basic = Basic(USERS)
    monkeypatch.setattr(hmac, "compare_digest", compare)
    await refusal(basic, shown(user, "x" * 100))
    assert compared == [(32, 32)]


async def test_passwords_are_not_kept() -> None:
    basic = Basic(USERS)
    assert "secret" not in repr(vars(basic)) + repr(vars(basic._check.__self__))  # type: ignore


@pytest.mark.parametrize("headers", [[], [("Authorization", "Bearer x")]])
async def test_credentials_of_another_kind_are_none(headers: list[tuple[str, str]]) -> None:
    refused = await refusal(Basic(USERS), opening("/", *headers))
    assert isinstance(refused, MissingCredentials)


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (opening("/", ("Authorization", "Basic")), "credentials have no colon between"),
        (raw(""), "credentials have no colon between user and password"),
        (raw("!!!"), "credentials are not in base64"),
        (raw("YWRh\xff"), "credentials are not in base64"),
        (raw("YWRhOnNlY3JldA"), "credentials are not in base64"),
        (raw("YWRh"), "credentials have no colon between user and password"),
        (raw(b64encode(b"ada:\xff").decode()), "credentials are not in UTF-8"),
        (raw(b64encode(b"ada\n:x").decode()), "credentials have a control character"),
        (raw(b64encode(b"ada:x\0").decode()), "credentials have a control character"),
        (shown("", "secret"), "user is an empty string"),
        (shown("x" * 257, "secret"), "user is 257 characters, limit 256"),
        (opening("/", *[("Authorization", "Basic YTpi")] * 2), "request has 2 Authorization"),
    ],
)
async def test_what_cannot_be_read_is_refused_in_one_line(request_: Request, reason: str) -> None:
    refused = await refusal(Basic(USERS), request_)
    assert refused.status == 401 and refused.reason.startswith(reason)


# A function instead of passwords


@pytest.mark.parametrize(
    ("verdict", "identity"),
    [(True, Identity("ada")), (Identity("Ada", {"id": 1}), Identity("Ada", {"id": 1}))],
)
async def test_a_function_says_who_comes_in(verdict: Any, identity: Identity) -> None:
    async def check(user: str, password: str) -> Any:
        assert (user, password) == ("ada", "secret")
        return verdict

    assert await Basic(check).authenticate(shown("ada", "secret")) == identity


@pytest.mark.parametrize("verdict", [False, None])
async def test_a_function_says_who_does_not(verdict: Any) -> None:
    refused = await refusal(Basic(lambda user, password: verdict), shown("ada", "x"))
    assert str(refused) == "401: user or password is wrong"


@pytest.mark.parametrize("verdict", [1, "ada", [True]])
async def test_what_is_only_nearly_true_lets_nobody_in(
    verdict: Any, caplog: pytest.LogCaptureFixture
) -> None:
    refused = await refusal(Basic(lambda user, password: verdict), shown("ada", "x"))
    assert str(refused) == "500: see the server's log"
    assert "gave neither a bool nor an identity" in caplog.text


# Concealing, and wrong arguments


def test_the_header_is_concealed() -> None:
    request = shown("ada", "secret")
    Basic(USERS).conceal(request)
    assert request.headers["Authorization"] == "***"
    assert not Basic(USERS).is_credential("basic")


@pytest.mark.parametrize(
    ("users", "words"),
    [
        ({}, "nobody could ever come in"),
        ({"a:b": "x"}, "has a colon, which RFC 7617 §2 forbids"),
        ({"ada": ""}, "is empty, or has a control character"),
        ({"ada": "a\nb"}, "is empty, or has a control character"),
        ({"": "x"}, "user is an empty string"),
    ],
)
def test_users_who_could_never_come_in_are_refused_at_once(
    users: dict[str, str], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        Basic(users)


def test_users_are_passwords_or_a_function() -> None:
    with pytest.raises(TypeError, match="users are a dict of passwords, or a function of user"):
        Basic("ada:secret")  # type: ignore[arg-type]


@pytest.mark.parametrize("realm", ["", 'a"b', "a\\b", "a\nb", "ж"])
def test_a_realm_that_would_break_the_header_is_refused(realm: str) -> None:
    with pytest.raises(ValueError, match="realm"):
        Basic(USERS, realm=realm)
