"""Everything comes back, as it was sent; a patient client, too."""

import asyncio

import websockets


async def echo(websocket):
    async for message in websocket:
        await websocket.send(message)


def server():
    return websockets.serve(echo, "127.0.0.1", 0, max_size=2**20, ping_interval=None)


async def client(uri):
    websocket = await websockets.connect(uri, compression=None, open_timeout=30)
    try:
        await websocket.send("text")
        await websocket.send(b"binary")
        await websocket.send(bytearray(b"array"))
        heard = [await websocket.recv() for _ in range(3)]
        try:
            await asyncio.wait_for(websocket.recv(), timeout=0.01)
        except TimeoutError:
            heard.append("nothing more")
        await websocket.send("after the silence")
        heard.append(await websocket.recv(decode=False))
    finally:
        await websocket.close()
    return heard


EXPECTED = ["text", b"binary", b"array", "nothing more", b"after the silence"]
