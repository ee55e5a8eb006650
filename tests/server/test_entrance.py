"""The compiled way in is given what a server was told."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from tests.server.wire import request
from trunkline import Events, Request, serve
from trunkline.connection.setting import Setting
from trunkline.engines.asyncio_engine import AsyncioEngine
from trunkline.engines.choose import reception_class
from trunkline.protocol.handshake import Agreement
from trunkline.protocol.role import Role
from trunkline.server import entrance as entrance_module
from trunkline.server.connection import ServerConnection
from trunkline.server.entrance import open_entrance
from trunkline.server.options import ServerOptions
from trunkline.server.watch import Watch

AGREEMENT = Agreement()
HEAD = request("/chat?a=b").removesuffix(b"\r\n\r\n")


class Echo(Events):
    """Takes messages."""


class Recorder:
    """Stands for the compiled class."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self.arguments, self.named = arguments, named


async def handler(ws: object) -> None:
    """Never reached."""


def options(**changes: Any) -> ServerOptions:
    return replace(serve(handler, "localhost", 0)._options, **changes)


def setting() -> Setting:
    chosen = options()
    engine = AsyncioEngine(asyncio.get_running_loop())
    return Setting(engine, Role.SERVER, chosen.limits, chosen.logger)


def decline(stream: object, waited: float) -> Any:
    """Never reached."""


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have both compiled classes, whatever is compiled here."""
    monkeypatch.setattr(entrance_module, "entrance_class", lambda engine: Recorder)
    monkeypatch.setattr(entrance_module, "lane_type", lambda kind: kind)
    if reception_class() is None:
        monkeypatch.setattr(entrance_module, "open_reception", lambda options: object())


def opened(chosen: ServerOptions) -> Any:
    return open_entrance(setting(), chosen, Watch(), decline)


async def test_the_asyncio_engine_has_none() -> None:
    assert opened(options()) is None


@pytest.mark.usefixtures("compiled")
async def test_hooks_are_asked_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entrance_module, "open_reception", lambda options: None)
    assert opened(options()) is None


@pytest.mark.usefixtures("compiled")
async def test_times_and_sizes_are_those_of_the_server() -> None:
    chosen = options()
    entrance = opened(chosen)
    timeout, write_limit = entrance.arguments[2:]
    assert (timeout, write_limit) == (chosen.limits.open_timeout, chosen.limits.write_limit)
    assert entrance.named["decline"] is decline


@pytest.mark.usefixtures("compiled")
async def test_connections_are_those_of_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entrance_module, "footing_for", lambda setting, agreement: agreement)
    named = opened(options()).named
    assert named["kind"] is ServerConnection
    assert named["footing_for"](AGREEMENT) is AGREEMENT


@pytest.mark.usefixtures("compiled")
async def test_coroutines_are_started_and_events_need_no_start() -> None:
    assert opened(options()).named["start"] is not None
    assert opened(options(coroutine=None, events=Echo)).named["start"] is None


SOURCES = ("shared_events", "events_kind", "events_for")


def sources(chosen: ServerOptions) -> list[Any]:
    named = opened(chosen).named
    return [named[name] for name in SOURCES]


@pytest.mark.usefixtures("compiled")
async def test_coroutines_get_no_events() -> None:
    assert sources(options()) == [None, None, None]


@pytest.mark.usefixtures("compiled")
async def test_one_instance_serves_all() -> None:
    echo = Echo()
    assert sources(options(coroutine=None, events=echo)) == [echo, None, None]


@pytest.mark.usefixtures("compiled")
async def test_a_class_needs_no_request() -> None:
    assert sources(options(coroutine=None, events=Echo)) == [None, Echo, None]


@pytest.mark.usefixtures("compiled")
async def test_a_function_gets_the_request() -> None:
    seen: list[Request] = []

    def choose(asked: Request) -> Events:
        seen.append(asked)
        return Echo()

    shared, kind, events_for = sources(options(coroutine=None, events=choose))
    assert shared is kind is None
    assert isinstance(events_for(HEAD), Echo)
    assert seen[0].path == "/chat?a=b"
    assert seen[0].headers["Host"] == "localhost"
