"""One question, one answer."""

import websockets


async def greet(websocket):
    name = await websocket.recv()
    await websocket.send(f"Hello {name}!")


def server():
    return websockets.serve(greet, "127.0.0.1", 0)


async def client(uri):
    async with websockets.connect(uri) as websocket:
        await websocket.send("Ada")
        return await websocket.recv()


EXPECTED = "Hello Ada!"
