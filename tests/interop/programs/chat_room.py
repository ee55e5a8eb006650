"""A room: everybody hears who comes, what is said, and who goes."""

import asyncio
import json

import websockets

connected = set()


async def tell_all(**event):
    message = json.dumps(event)
    await asyncio.gather(*[websocket.send(message) for websocket in connected])


async def chat(websocket):
    connected.add(websocket)
    try:
        await tell_all(kind="count", value=len(connected))
        async for message in websocket:
            await tell_all(kind="said", value=json.loads(message)["text"])
    finally:
        connected.remove(websocket)
        await tell_all(kind="count", value=len(connected))


def server():
    return websockets.serve(chat, "127.0.0.1", 0)


async def next_event(websocket):
    event = json.loads(await websocket.recv())
    return event["kind"], event["value"]


async def client(uri):
    heard = []
    async with websockets.connect(uri) as first:
        heard.append(await next_event(first))
        async with websockets.connect(uri) as second:
            heard.append(await next_event(first))
            heard.append(await next_event(second))
            await second.send(json.dumps({"text": "Hi, everybody"}))
            heard.append(await next_event(first))
            heard.append(await next_event(second))
        heard.append(await next_event(first))
    return heard


EXPECTED = [
    ("count", 1),
    ("count", 2),
    ("count", 2),
    ("said", "Hi, everybody"),
    ("said", "Hi, everybody"),
    ("count", 1),
]
