"""Trunkline, with a coroutine as handler (`--handler async`) or with `Events`.

`--handler app-async` and `app-events` are the same behind a route of an `App`, with the policy and
all the limits that an application has by default.

One instance of `Events` serves all connections, as one set of callbacks does with socketify. There
is no router: `--handler topic` is asked for where messages are published, and looks at each path.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import trunkline
from benchmarks.peers.setting import (
    ECHO,
    HOST,
    MAX_MESSAGE_BYTES,
    PUBLISHER,
    SUBSCRIBER,
    Setting,
    parse_setting,
    ready,
    run,
)
from trunkline.app.app import App
from trunkline.app.app_server import AppServer
from trunkline.limits import APP_LIMITS, DEFAULT_LIMITS, Rate

Message = str | bytes
topic = trunkline.Topic()

FAST = 10**12
"""In a second."""


# The coroutine way


async def serve_coroutine(ws: trunkline.ServerConnection) -> None:
    if ws.request.path == SUBSCRIBER:
        topic.subscribe(ws)
        await ws.wait_closed()
    elif ws.request.path == PUBLISHER:
        async for message in ws:
            topic.publish(message)
    else:
        async for message in ws:
            await ws.send(message)


# The event way


class Echo(trunkline.Events):
    def on_message(self, ws: trunkline.Connection, data: Message) -> None:
        ws.send_soon(data)


class Publisher(trunkline.Events):
    def on_message(self, ws: trunkline.Connection, data: Message) -> None:
        topic.publish(data)


class Subscriber(trunkline.Events):
    def on_open(self, ws: trunkline.Connection) -> None:
        topic.subscribe(ws)


echo = Echo()
by_path = {PUBLISHER: Publisher(), SUBSCRIBER: Subscriber()}


def serve_topic(request: trunkline.Request) -> trunkline.Events:
    return by_path.get(request.path, echo)


# Behind a route of an application


async def echo_coroutine(ws: trunkline.ServerConnection) -> None:
    async for message in ws:
        await ws.send(message)


def application(handler: Any, setting: Setting) -> App:
    app = App(compression=setting.compression)
    app.add_websocket(ECHO, handler)
    return app


# Serving

HANDLERS: dict[str, Any] = {
    "async": serve_coroutine,
    "events": echo,
    "events-metered": echo,
    "topic": serve_topic,
}
LIMITS = {
    "events-metered": replace(
        APP_LIMITS,
        message_rate=Rate(FAST),
        byte_rate=Rate(FAST),
        control_rate=Rate(FAST),
    )
}
"""With rates like those of an application, which no load reaches: what counting costs."""
BEHIND_A_ROUTE: dict[str, Any] = {"app-async": echo_coroutine, "app-events": echo}


def spin_option(setting: Setting) -> dict[str, float]:
    if not setting.spin_seconds:
        return {}
    return {"busy_poll": setting.spin_seconds}


def server_for(setting: Setting) -> trunkline.Server | AppServer:
    if setting.handler in BEHIND_A_ROUTE:
        app = application(BEHIND_A_ROUTE[setting.handler], setting)
        return app.serve(HOST, 0, ssl=setting.ssl)
    return trunkline.serve(
        HANDLERS[setting.handler],
        HOST,
        0,
        limits=LIMITS.get(setting.handler, DEFAULT_LIMITS),
        ssl=setting.ssl,
        compression=setting.compression,
        max_size=MAX_MESSAGE_BYTES,
        **spin_option(setting),
    )


async def main(setting: Setting) -> None:
    if setting.keeps_memory:
        trunkline.keep_memory()
    async with server_for(setting) as server:
        info = trunkline.engine_info()
        ready(server.sockets[0].getsockname()[1], "trunkline", f"({info.engine} engine)")
        await server.serve_forever()


if __name__ == "__main__":
    setting = parse_setting()
    run(main(setting), setting)
