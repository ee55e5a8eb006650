"""A handler that listens and speaks at the same time, and ends with whichever ends first."""

import asyncio

import websockets


async def count_up(websocket):
    for number in range(3):
        await websocket.send(str(number))
    await asyncio.Future()


async def listen(websocket, heard):
    async for message in websocket:
        heard.append(message)
        await websocket.send(f"heard {len(heard)}")


async def handler(websocket):
    speaking = asyncio.create_task(count_up(websocket))
    listening = asyncio.create_task(listen(websocket, []))
    _, pending = await asyncio.wait([speaking, listening], return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()


def server():
    return websockets.serve(handler, "127.0.0.1", 0)


async def client(uri):
    heard = []
    async with websockets.connect(uri) as websocket:
        for _ in range(3):
            heard.append(await websocket.recv())
        for message in ("a", "b"):
            await websocket.send(message)
            heard.append(await websocket.recv())
    await websocket.wait_closed()
    return heard, websocket.close_code


EXPECTED = (["0", "1", "2", "heard 1", "heard 2"], 1000)
