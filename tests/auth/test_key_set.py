"""A key set: fetched when needed, not when a stranger wants it, and kept while it cannot be."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.auth.clock import Clock
from tests.auth.issuer import Issuer, issuing
from tests.auth.keys import document, jwk
from trunkline import RequestRefused
from trunkline.auth import KeySet


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing() as issuer:
        issuer.body = document(jwk("p256", kid="old"))
        yield issuer


@pytest.fixture
def keys(issuer: Issuer, clock: Clock) -> KeySet:
    return KeySet(issuer.url, lifetime=300, retry=10, now=clock)


async def unavailable(keys: KeySet, key_id: str) -> RequestRefused:
    with pytest.raises(RequestRefused) as caught:
        await keys.find(key_id)
    assert str(caught.value) == "503: the keys of the issuer cannot be had now: come back"
    return caught.value


async def test_keys_are_fetched_once_for_as_long_as_they_are_new(
    keys: KeySet, issuer: Issuer, clock: Clock
) -> None:
    assert issuer.asked == 0
    for _ in range(3):
        assert await keys.find("old") is not None
    clock.time += 299.9
    assert await keys.find("old") is not None
    assert issuer.asked == 1
    clock.time += 0.1
    assert await keys.find("old") is not None
    assert issuer.asked == 2


async def test_a_key_that_was_withdrawn_is_gone(keys: KeySet, issuer: Issuer, clock: Clock) -> None:
    assert await keys.find("old") is not None
    issuer.body = document(jwk("p256", kid="new"))
    clock.time += 300
    assert await keys.find("old") is None


async def test_an_unknown_key_is_looked_for_but_not_at_every_strangers_wish(
    keys: KeySet, issuer: Issuer, clock: Clock
) -> None:
    assert await keys.find("new") is None
    issuer.body = document(jwk("p256", kid="new"))
    clock.time += 9.9
    assert await keys.find("new") is None
    assert issuer.asked == 1
    clock.time += 0.1
    assert await keys.find("new") is not None
    for stranger in range(20):
        assert await keys.find(str(stranger)) is None
    assert issuer.asked == 2


async def test_many_who_wait_wait_for_one_fetch(keys: KeySet, issuer: Issuer) -> None:
    issuer.may_answer.clear()
    waiting = [asyncio.create_task(keys.find("old")) for _ in range(20)]
    await asyncio.to_thread(issuer.was_asked.wait, 30)
    issuer.may_answer.set()
    assert None not in await asyncio.gather(*waiting)
    assert issuer.asked == 1


async def test_who_gives_up_waiting_takes_nothing_from_the_others(
    keys: KeySet, issuer: Issuer
) -> None:
    issuer.may_answer.clear()
    first, second = (asyncio.create_task(keys.find("old")) for _ in range(2))
    await asyncio.to_thread(issuer.was_asked.wait, 30)
    first.cancel()
    issuer.may_answer.set()
    assert await second is not None
    assert first.cancelled() and issuer.asked == 1


@pytest.mark.parametrize(
    "answer",
    [{"status": 500}, {"body": b"<html>"}, {"body": document()}, {"body": b"x" * 300_000}],
)
async def test_a_server_that_has_no_keys_is_told_from_a_wrong_token(
    keys: KeySet,
    issuer: Issuer,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
    answer: dict[str, Any],
) -> None:
    for name, value in answer.items():
        setattr(issuer, name, value)
    refused = await unavailable(keys, "old")
    assert refused.headers == {"Retry-After": "10"}
    clock.time += 7.5
    assert (await unavailable(keys, "old")).headers == {"Retry-After": "3"}
    assert issuer.asked == 1
    assert [record.name for record in caplog.records] == ["trunkline.auth"]
    assert f"no keys from {issuer.url}: " in caplog.text and "Traceback" not in caplog.text


async def test_old_keys_are_good_while_their_server_is_away(
    keys: KeySet, issuer: Issuer, clock: Clock
) -> None:
    assert await keys.find("old") is not None
    issuer.status = 503
    clock.time += 300
    assert await keys.find("old") is not None
    # Whether it has this one, nobody knows.
    await unavailable(keys, "new")
    issuer.status, issuer.body = 200, document(jwk("p256", kid="new"))
    clock.time += 10
    assert await keys.find("new") is not None
    assert await keys.find("old") is None


def test_an_address_that_anybody_could_answer_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="begins with https://"):
        KeySet("http://issuer.example/keys")
