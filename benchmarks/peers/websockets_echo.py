"""websockets as an echo server: `websockets_echo.py async [uvloop]`."""

from __future__ import annotations

import asyncio
import sys

import websockets


async def echo(ws: websockets.ServerConnection) -> None:
    async for message in ws:
        await ws.send(message)


async def main() -> None:
    async with websockets.serve(echo, "127.0.0.1", 0, compression=None) as server:
        print(next(iter(server.sockets)).getsockname()[1], flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    if "uvloop" in sys.argv:
        import uvloop

        uvloop.run(main())
    else:
        asyncio.run(main())
