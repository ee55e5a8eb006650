"""The beginning of a conversation: told of, opened, handled; or undone."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from tests.server.wire import HANG_SECONDS
from trunkline import Events, Response, serve
from trunkline.protocol.handshake import Agreement
from trunkline.server import beginning
from trunkline.server.beginning import begin
from trunkline.server.desk import Admission
from trunkline.server.handler import CoroutineHandler
from trunkline.server.options import ServerOptions
from trunkline.server.watch import Watch

AGREEMENT = Agreement()


class Opened:
    """A connection that takes note of what is done with it."""

    def __init__(self, error: Exception | None = None) -> None:
        self.opened_with: tuple[object, ...] | None = None
        self.was_aborted = False
        self._error = error

    def open(self, *arguments: object) -> None:
        self.opened_with = arguments
        if self._error is not None:
            raise self._error

    def abort(self) -> None:
        self.was_aborted = True


async def handler(ws: object) -> None:
    """Never reached."""


def options(**changes: Any) -> ServerOptions:
    return replace(serve(handler, "localhost", 0)._options, **changes)


def admission(
    connection: Opened, events: Events | None, coroutine: CoroutineHandler | None
) -> Admission:
    response = Response(101, "Switching Protocols")
    return Admission(connection, response, AGREEMENT, events, coroutine)  # type: ignore[arg-type]


async def test_events_are_told_and_nothing_is_started() -> None:
    watch, connection, events = Watch(), Opened(), Events()
    begin(watch, options(), admission(connection, events, None), b"frame")
    assert connection.opened_with == (AGREEMENT, events, b"frame")
    assert watch.connections == {connection}
    assert not watch.openings


async def test_a_coroutine_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[object] = []
    monkeypatch.setattr(beginning, "Conversation", lambda *arguments: started.append(arguments))
    watch, connection, chosen = Watch(), Opened(), options()
    begin(watch, chosen, admission(connection, None, handler), b"")
    assert started == [(watch, connection, handler, chosen.logger)]


async def test_what_cannot_begin_is_told_of_and_forgotten(
    caplog: pytest.LogCaptureFixture,
) -> None:
    watch, connection = Watch(), Opened(MemoryError())
    begin(watch, options(), admission(connection, None, handler), b"")
    assert "a connection could not begin" in caplog.text
    assert connection.was_aborted
    async with asyncio.timeout(HANG_SECONDS):
        await watch.leave(None)
