"""tornado, its WebSocketHandler."""

from __future__ import annotations

import asyncio

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketHandler

from benchmarks.peers.setting import (
    BACKLOG,
    HOST,
    MAX_MESSAGE_BYTES,
    PUBLISHER,
    SUBSCRIBER,
    Setting,
    parse_setting,
    ready,
    run,
)

setting = parse_setting()
subscribers: set[WebSocketHandler] = set()


class Echo(WebSocketHandler):
    def get_compression_options(self) -> dict[str, object] | None:
        return {} if setting.is_compressed else None

    def on_message(self, message: str | bytes) -> None:
        self.write_message(message, binary=isinstance(message, bytes))


class Publisher(Echo):
    def on_message(self, message: str | bytes) -> None:
        for subscriber in subscribers:
            subscriber.write_message(message, binary=isinstance(message, bytes))


class Subscriber(Echo):
    def open(self) -> None:
        subscribers.add(self)

    def on_close(self) -> None:
        subscribers.discard(self)


async def main(setting: Setting) -> None:
    application = Application(
        [("/echo", Echo), (PUBLISHER, Publisher), (SUBSCRIBER, Subscriber)],
        websocket_max_message_size=MAX_MESSAGE_BYTES,
    )
    listeners = bind_sockets(0, HOST, backlog=BACKLOG)
    HTTPServer(application, ssl_options=setting.ssl).add_sockets(listeners)
    ready(listeners[0].getsockname()[1], "tornado")
    await asyncio.Event().wait()


if __name__ == "__main__":
    run(main(setting), setting)
