"""picows, its core: a listener for each connection."""

from __future__ import annotations

from picows import (
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    ws_create_server,
)

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

subscribers: set[WSTransport] = set()


class Echo(WSListener):
    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
        else:
            self.on_message(transport, frame)

    def on_message(self, transport: WSTransport, frame: WSFrame) -> None:
        transport.send(frame.msg_type, frame.get_payload_as_bytes())


class Publisher(Echo):
    def on_message(self, transport: WSTransport, frame: WSFrame) -> None:
        payload = frame.get_payload_as_bytes()
        for subscriber in subscribers:
            subscriber.send(frame.msg_type, payload)


class Subscriber(Echo):
    def on_ws_connected(self, transport: WSTransport) -> None:
        subscribers.add(transport)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        subscribers.discard(transport)


LISTENERS = {PUBLISHER.encode(): Publisher, SUBSCRIBER.encode(): Subscriber}


def make_listener(request: WSUpgradeRequest) -> WSListener:
    return LISTENERS.get(request.path, Echo)()


async def main(setting: Setting) -> None:
    if setting.is_compressed:
        raise SystemExit("picows has no permessage-deflate")
    server = await ws_create_server(
        make_listener,
        HOST,
        0,
        ssl=setting.ssl,
        max_frame_size=MAX_MESSAGE_BYTES,
        backlog=BACKLOG,
    )
    ready(server.sockets[0].getsockname()[1], "picows")
    await server.serve_forever()


if __name__ == "__main__":
    setting = parse_setting()
    run(main(setting), setting)
