"""Subprotocols, states, and how far away the other side is."""

import websockets


async def handler(websocket):
    await websocket.send(f"speaking {websocket.subprotocol}")
    pong = await websocket.ping()
    latency = await pong
    await websocket.send("near" if 0 <= latency < 30 else "far")
    await websocket.pong(b"unasked")
    await websocket.wait_closed()


def server():
    return websockets.serve(handler, "127.0.0.1", 0, subprotocols=["v2", "v1"])


async def client(uri):
    async with websockets.connect(uri, subprotocols=["v1", "v2"]) as websocket:
        heard = [websocket.subprotocol, websocket.state is websockets.State.OPEN]
        heard += [await websocket.recv(), await websocket.recv()]
        pong = await websocket.ping(b"payload")
        await pong
        heard.append(websocket.latency > 0)
        heard.append(websocket.remote_address[0])
    return heard


EXPECTED = ["v2", True, "speaking v2", "near", True, "127.0.0.1"]
