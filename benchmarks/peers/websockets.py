"""websockets, its asyncio server."""

from __future__ import annotations

from websockets.asyncio.server import ServerConnection, broadcast, serve

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

subscribers: set[ServerConnection] = set()


async def handle(ws: ServerConnection) -> None:
    if ws.request.path == SUBSCRIBER:
        subscribers.add(ws)
        await ws.wait_closed()
        subscribers.discard(ws)
    elif ws.request.path == PUBLISHER:
        async for message in ws:
            broadcast(subscribers, message)
    else:
        async for message in ws:
            await ws.send(message)


async def main(setting: Setting) -> None:
    async with serve(
        handle,
        HOST,
        0,
        ssl=setting.ssl,
        compression=setting.compression,
        max_size=MAX_MESSAGE_BYTES,
        backlog=BACKLOG,
    ) as server:
        ready(next(iter(server.sockets)).getsockname()[1], "websockets")
        await server.serve_forever()


if __name__ == "__main__":
    setting = parse_setting()
    run(main(setting), setting)
