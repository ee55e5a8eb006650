"""aiohttp, its WebSocket handler."""

from __future__ import annotations

import asyncio

from aiohttp import WSMsgType, web

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

subscribers: set[web.WebSocketResponse] = set()
setting = parse_setting()


async def open_socket(request: web.Request) -> web.WebSocketResponse:
    ws = web.WebSocketResponse(compress=setting.is_compressed, max_msg_size=MAX_MESSAGE_BYTES)
    await ws.prepare(request)
    return ws


async def echo(request: web.Request) -> web.WebSocketResponse:
    ws = await open_socket(request)
    async for message in ws:
        if message.type is WSMsgType.TEXT:
            await ws.send_str(message.data)
        else:
            await ws.send_bytes(message.data)
    return ws


async def publish(request: web.Request) -> web.WebSocketResponse:
    ws = await open_socket(request)
    async for message in ws:
        for subscriber in subscribers:
            await subscriber.send_bytes(message.data)
    return ws


async def subscribe(request: web.Request) -> web.WebSocketResponse:
    ws = await open_socket(request)
    subscribers.add(ws)
    async for _ in ws:
        pass
    subscribers.discard(ws)
    return ws


async def main(setting: Setting) -> None:
    app = web.Application()
    app.add_routes(
        [web.get(PUBLISHER, publish), web.get(SUBSCRIBER, subscribe), web.get("/echo", echo)]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, HOST, 0, ssl_context=setting.ssl, backlog=BACKLOG)
    await site.start()
    ready(runner.addresses[0][1], "aiohttp")
    await asyncio.Event().wait()


if __name__ == "__main__":
    run(main(setting), setting)
