"""Trunkline as an echo server: `trunkline_echo.py async|events [uvloop]`."""

from __future__ import annotations

import asyncio
import sys

import trunkline


async def echo(ws: trunkline.ServerConnection) -> None:
    async for message in ws:
        await ws.send(message)


class Echo(trunkline.Events):
    def on_message(self, ws: trunkline.Connection, data: str | bytes) -> None:
        ws.send_soon(data)


HANDLERS = {"async": echo, "events": Echo}


async def main(handler: str) -> None:
    async with trunkline.serve(HANDLERS[handler], "127.0.0.1", 0, compression=None) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    if "uvloop" in sys.argv:
        import uvloop

        uvloop.run(main(sys.argv[1]))
    else:
        asyncio.run(main(sys.argv[1]))
