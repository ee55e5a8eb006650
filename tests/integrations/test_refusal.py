"""Clients that are refused: they can read why, and do not stay."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from tests.connection.memory_stream import MemoryEngine, MemoryStream, rounds
from trunkline.connection.setting import Setting
from trunkline.errors import RequestRefused
from trunkline.integrations.refusal import Refusal, refusal_of, tell_loss
from trunkline.limits import LINGER, Limits
from trunkline.protocol.role import Role

TEAPOT = RequestRefused(418, "this is a teapot")


def refuse(losses: list[Any]) -> tuple[Refusal, MemoryStream, MemoryEngine]:
    engine: Any = MemoryEngine()
    stream = MemoryStream(1024, engine.now)
    setting = Setting(engine, Role.SERVER, Limits(), logging.getLogger("x"), losses.append)
    return Refusal(setting, stream, refusal_of(TEAPOT, [(b"server", b"s")])), stream, engine


async def test_a_client_can_read_why_and_leaves() -> None:
    losses: list[Any] = []
    refusal, stream, engine = refuse(losses)
    assert stream.writing_ended
    assert not stream.is_reading_paused
    assert stream.writes[0].startswith(b"HTTP/1.1 418 ")
    assert stream.writes[0].endswith(b"\r\n\r\nthis is a teapot\n")
    assert b"server: s\r\n" in stream.writes[0]
    stream.arrive(b"more")
    refusal.writing_resumed()
    refusal.shut_down()
    stream.arrive(None)
    await rounds()
    assert losses == [None]
    assert len(engine.timers) == 0
    assert not stream.was_aborted


async def test_a_client_that_stays_is_cut() -> None:
    losses: list[Any] = []
    _, stream, engine = refuse(losses)
    engine.clock.advance(2 * LINGER)
    assert stream.was_aborted
    await rounds()
    assert losses == [None]


@pytest.mark.parametrize(
    ("headers", "connection"), [({}, "close"), ({"Upgrade": "websocket"}, "close, Upgrade")]
)
def test_upgrade_is_named_in_connection(headers: dict[str, str], connection: str) -> None:
    response = refusal_of(RequestRefused(426, "no", headers), [])
    assert response.headers["Connection"] == connection


def test_a_setting_need_not_want_to_hear_of_losses() -> None:
    engine: Any = MemoryEngine()
    tell_loss(Setting(engine, Role.SERVER, Limits(), logging.getLogger("x")))
