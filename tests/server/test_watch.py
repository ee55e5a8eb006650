"""The watch: everybody has left before it ends, and nobody can keep it."""

import asyncio
import logging
from typing import cast

import pytest

from trunkline import RequestRefused, ServerConnection
from trunkline.server.watch import Watch

HANG_SECONDS = 20.0
NO_PATIENCE = 0.0


class Guest:
    """An opening, or a connection; it leaves when it is cut, unless it is stubborn."""

    def __init__(self, watch: Watch, *, stubborn: bool = False) -> None:
        self.task: asyncio.Task[None] | None = None
        self.was_cut = False
        self._watch = watch
        self._stubborn = stubborn

    def refuse(self, refused: RequestRefused) -> None:
        """Nobody refuses here."""

    def cut(self) -> None:
        self.was_cut = True
        if not self._stubborn:
            self._watch.finished(self)

    def abort(self) -> None:
        self.was_cut = True
        self._watch.lost(as_connection(self))


def as_connection(guest: Guest) -> ServerConnection:
    return cast(ServerConnection, guest)


async def test_an_empty_watch_ends_at_once() -> None:
    watch = Watch()
    assert not watch.is_closed
    await watch.leave(None)
    assert watch.is_closed
    await watch.wait_closed()


async def test_it_waits_for_openings_and_connections() -> None:
    watch = Watch()
    opening, connection = Guest(watch), Guest(watch)
    watch.openings.add(opening)
    watch.opened(as_connection(connection))
    leaving = asyncio.ensure_future(watch.leave(None))
    waiting = asyncio.ensure_future(watch.wait_closed())
    await asyncio.sleep(0)
    watch.finished(opening)
    await asyncio.sleep(0)
    assert not leaving.done()
    watch.lost(as_connection(connection))
    async with asyncio.timeout(HANG_SECONDS):
        await asyncio.gather(leaving, waiting)
    assert not opening.was_cut and not connection.was_cut


async def test_who_does_not_leave_in_time_is_cut() -> None:
    watch = Watch()
    opening, connection = Guest(watch), Guest(watch)
    watch.openings.add(opening)
    watch.opened(as_connection(connection))
    await watch.leave(NO_PATIENCE)
    assert opening.was_cut and connection.was_cut
    assert not watch.openings and not watch.connections
    assert watch.is_closed


async def test_who_ignores_even_that_is_left_and_named_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    watch = Watch()
    watch.openings.add(Guest(watch, stubborn=True))
    await watch.leave(NO_PATIENCE)
    assert watch.is_closed
    assert [record.getMessage() for record in caplog.records] == [
        "handlers that ignore their cancellation: 1"
    ]
    assert caplog.records[0].levelno == logging.ERROR


async def test_cancelling_the_wait_cuts_everybody_and_ends_the_watch() -> None:
    watch = Watch()
    opening = Guest(watch, stubborn=True)
    watch.openings.add(opening)
    waiting = asyncio.ensure_future(watch.wait_closed())
    leaving = asyncio.ensure_future(watch.leave(None))
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert opening.was_cut
    async with asyncio.timeout(HANG_SECONDS):
        await waiting
