"""What stands between the messages of a route and its handler."""

from typing import Any

import pytest

from tests.app.admission.test_token import Peer, Visitor
from tests.app.judge import Judge
from tests.app.premises import Order
from trunkline import State
from trunkline.app.admission.step import Step
from trunkline.app.messages.invalid import Invalid
from trunkline.app.messages.outgoing import Outgoing
from trunkline.app.messages.schema import schema_for
from trunkline.app.messages.screen import TAKEN, Screen


def screen(**options: Any) -> tuple[Any, Screen]:
    visit: Any = Visitor(Peer(State.OPEN))
    return visit, Screen(visit, **options)


def test_without_a_schema_messages_stay_as_they_are() -> None:
    visit, plain = screen()
    assert plain.read(visit.connection, "hello") == "hello"
    order = Order("tea")
    assert plain.write(order) is order


def test_with_a_schema_messages_are_objects() -> None:
    visit, typed = screen(schema=schema_for(Order), invalid=Invalid.CLOSE_1008, outgoing=Outgoing())
    assert typed.read(visit.connection, '{"item":"tea"}') == Order("tea")
    assert typed.read(visit.connection, "{}") is TAKEN
    assert visit.connection.seen == [(1008, "Object missing required field `item`")]
    assert typed.write(Order("tea")) == '{"item":"tea"}'
    assert typed.write("as it is") == "as it is"


@pytest.mark.parametrize(
    ("has_judge", "follows", "data", "token"),
    [
        (False, False, '{"auth":"t.ann"}', None),
        (True, False, '{"auth":"t.ann"}', "t.ann"),
        (True, False, "t.ann", None),
        (True, True, "t.ann", "t.ann"),
        (True, True, '{"auth":"x"}', "x"),
        (True, True, "hello", None),
        (True, True, b"t.ann", None),
    ],
)
async def test_a_token_is_found_where_one_is_expected(
    has_judge: bool, follows: bool, data: Any, token: str | None
) -> None:
    authenticator = Judge() if has_judge else None
    assert screen(authenticator=authenticator, token_follows=follows)[1].token_in(data) == token


async def test_only_the_first_token_may_stand_as_it_is() -> None:
    _, waiting = screen(authenticator=Judge(), token_follows=True)
    assert await waiting.accept("t.ann")
    assert not waiting.token_follows
    assert waiting.token_in("t.ann") is None
    assert waiting.token_in('{"auth":"t.ann"}') == "t.ann"


async def test_a_wrong_token_is_still_followed_by_nothing() -> None:
    _, waiting = screen(authenticator=Judge(), token_follows=True)
    assert not await waiting.accept("bad")
    assert waiting.token_follows


def test_what_is_no_token_closes_the_connection() -> None:
    visit, waiting = screen(authenticator=Judge(), token_follows=True)
    waiting.refuse()
    assert visit.connection.seen == [(3500, "the first message has to be a token")]
    assert visit.refusals == [(Step.AUTH, 401)]


def test_what_comes_too_late_closes_the_connection() -> None:
    visit, waiting = screen(authenticator=Judge(), token_follows=True, patience=5.0)
    waiting.give_up()
    assert visit.connection.seen == [(3500, "no token was accepted within 5.0 s")]
    assert visit.refusals == [(Step.AUTH, 401)]
