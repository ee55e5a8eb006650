"""A listening socket in the set: many at a time, and short of descriptors."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.contracts.twins import needs
from trunkline import native

if native.AVAILABLE:
    from trunkline.native.listener import ListeningSocket
    from trunkline.native.poller import Poller

pytestmark = needs("listener")

MANY = 200
"""More than are accepted at once."""


class Door:
    """A listening socket, and who came."""

    def __init__(self, poller: Any) -> None:
        self.came: list[int] = []
        self.short: list[OSError] = []
        self.when_accepted: Callable[[], None] | None = None
        with socket.create_server(("127.0.0.1", 0), backlog=MANY) as sock:
            sock.setblocking(False)
            self.address = sock.getsockname()
            self.listening = ListeningSocket(
                poller, sock.detach(), self.accepted, self.short.append
            )

    def accepted(self, fd: int) -> None:
        self.came.append(fd)
        if self.when_accepted is not None:
            self.when_accepted()

    def visit(self, count: int = 1) -> list[socket.socket]:
        return [socket.create_connection(self.address) for _ in range(count)]

    async def until(self, condition: Callable[[], object]) -> None:
        while not condition():
            await asyncio.sleep(0)

    def close(self, visitors: list[socket.socket]) -> None:
        self.listening.close()
        for fd in self.came:
            os.close(fd)
        for visitor in visitors:
            visitor.close()


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    poller = Poller(asyncio.get_running_loop())
    door = Door(poller)
    yield door
    poller.close()


async def test_many_are_accepted_and_their_descriptors_are_not_inherited(door: Door) -> None:
    visitors = door.visit(MANY)
    assert not door.came
    door.listening.resume()
    await door.until(lambda: len(door.came) == MANY)
    assert not any(os.get_inheritable(fd) or os.get_blocking(fd) for fd in door.came)
    door.close(visitors)


async def test_an_accept_that_fails_is_told_of_and_the_others_are_accepted(door: Door) -> None:
    told: list[BaseException] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: told.append(context["exception"]))
    door.when_accepted = lambda: 1 // (len(door.came) - 2)  # type: ignore[assignment]
    visitors = door.visit(5)
    door.listening.resume()
    await door.until(lambda: len(door.came) == 5)
    assert [type(error) for error in told] == [ZeroDivisionError]
    door.close(visitors)


async def test_whoever_closes_it_while_it_accepts_accepts_no_more(door: Door) -> None:
    door.when_accepted = door.listening.close
    visitors = door.visit(5)
    door.listening.resume()
    await door.until(lambda: door.came)
    await asyncio.sleep(0)
    assert len(door.came) == 1
    door.listening.resume()  # in vain
    door.close(visitors)


async def test_short_descriptors_stop_it_until_it_is_resumed(door: Door) -> None:
    (visitor,) = door.visit()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(visitor.fileno())
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        door.listening.resume()
        await door.until(lambda: door.short)
        for _ in range(10):
            await asyncio.sleep(0)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    (error,) = door.short  # once: it does not ask again and again
    assert error.strerror == "Too many open files"
    assert not door.came
    door.listening.resume()
    await door.until(lambda: door.came)
    door.close([visitor])
