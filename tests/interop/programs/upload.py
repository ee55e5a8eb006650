"""A message sent piece by piece, and one that is too large."""

import websockets

LIMIT_BYTES = 1000


async def handler(websocket):
    async for message in websocket:
        await websocket.send(f"{len(message)} {type(message).__name__}")


def server():
    return websockets.serve(handler, "127.0.0.1", 0, max_size=LIMIT_BYTES, max_queue=4)


async def pieces():
    for number in range(10):
        yield f"piece {number}\n"


async def client(uri):
    heard = []
    async with websockets.connect(uri, write_limit=2**15) as websocket:
        await websocket.send(pieces())
        heard.append(await websocket.recv())
        await websocket.send([b"ab", b"cd"])
        heard.append(await websocket.recv())
        await websocket.send("text as bytes", text=False)
        heard.append(await websocket.recv())
        await websocket.send(bytes(LIMIT_BYTES + 1))
        try:
            await websocket.recv()
        except websockets.ConnectionClosedError as error:
            heard.append(error.rcvd.code)
    return heard


EXPECTED = ["80 str", "4 bytes", "13 bytes", 1009]
