"""Tokens in messages."""

import json
from typing import Any

import pytest

from tests.app.judge import Judge
from trunkline import RequestRefused, State
from trunkline.app.admission.step import Step
from trunkline.app.admission.token import accept_token, code_for, mistake, token_in, turn_away
from trunkline.auth import Identity


@pytest.mark.parametrize(
    ("data", "token"),
    [
        ('{"auth":"abc"}', "abc"),
        (' {\n"auth" : "abc" } ', "abc"),
        ('{"auth": ""}', ""),
        ('{"auth": "a", "auth": "b"}', "b"),
        ('{"auth": "abc", "more": 1}', None),
        ('{"more": 1, "auth": "abc"}', None),
        ('{"auth": 1}', None),
        ('{"auth": ["abc"]}', None),
        ('{"auth": "abc"', None),
        ('{"auth":' + "[" * 100_000, None),
        ('{"authority": "abc"}', None),
        ('"auth"', None),
        ("abc", None),
        ("", None),
        (b'{"auth":"abc"}', None),
    ],
)
def test_a_token_is_the_one_thing_that_a_message_says(data: Any, token: str | None) -> None:
    assert token_in(data) == token


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, 3500), (403, 3500), (400, 3500), (429, 1013), (503, 1013), (500, 1011)],
)
def test_close_codes_say_what_the_status_would_have_said(status: int, code: int) -> None:
    assert code_for(RequestRefused(status, "")) == code


class Peer:
    def __init__(self, state: State) -> None:
        self.state = state
        self.seen: list[Any] = []

    def send_soon(self, message: str) -> None:
        self.seen.append(json.loads(message))

    def close_soon(self, code: int, reason: str) -> None:
        self.seen.append((int(code), reason))


class Visitor:
    """As much of a visit as tokens have to do with."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.identity: Identity | None = None
        self.step = Step.HANDLER
        self.refusals: list[tuple[Step, int]] = []
        self.service = self.app = self
        self.logger = self
        self.logged: list[str] = []

    def identify(self, identity: Identity) -> None:
        self.identity = identity

    def refused(self, refused: RequestRefused) -> None:
        self.refusals.append((self.step, refused.status))

    def exception(self, text: str) -> None:
        self.logged.append(text)


def visitor(state: State = State.OPEN) -> Any:
    return Visitor(Peer(state))


async def test_a_good_token_is_answered() -> None:
    visit = visitor()
    assert await accept_token(visit, Judge(), "t.ann")
    assert visit.connection.seen == [{"auth": "ok", "expires_at": None}]
    assert (visit.identity.user, visit.step) == ("ann", Step.HANDLER)


@pytest.mark.parametrize("state", [State.CLOSING, State.CLOSED])
async def test_whoever_is_leaving_gets_no_answer(state: State) -> None:
    visit = visitor(state)
    assert await accept_token(visit, Judge(), "t.ann")
    assert not await accept_token(visit, Judge(), "bad")
    assert (visit.connection.seen, visit.refusals) == ([], [])


async def test_whoever_is_gone_gets_no_answer() -> None:
    visit: Any = Visitor(None)
    assert await accept_token(visit, Judge(), "t.ann")
    assert not await accept_token(visit, Judge(), "bad")
    assert visit.refusals == []


@pytest.mark.parametrize(
    ("token", "code", "reason", "status"),
    [
        ("bad", 3500, "this token is nobody's", 401),
        ("t.away", 1013, "the keys are away", 503),
        ("t.broken", 1011, "see the server's log", 500),
    ],
)
async def test_a_wrong_token_closes_the_connection(
    token: str, code: int, reason: str, status: int
) -> None:
    visit = visitor()
    assert not await accept_token(visit, Judge(), token)
    assert visit.connection.seen == [(code, reason)]
    assert visit.refusals == [(Step.AUTH, status)]
    assert visit.logged == (["a token could not be judged"] if status == 500 else [])


def test_a_reason_fits_into_a_close_frame() -> None:
    visit = visitor()
    turn_away(visit, RequestRefused(401, "é" * 200))
    assert len(visit.connection.seen[0][1].encode()) <= 123


def test_a_mistake_on_this_side_says_nothing() -> None:
    assert str(mistake()) == "500: see the server's log"
