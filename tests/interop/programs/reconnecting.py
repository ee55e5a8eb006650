"""A client that comes back until it has heard everything."""

import websockets

visits = []


async def handler(websocket):
    visits.append(websocket)
    await websocket.send(f"visit {len(visits)}")
    if len(visits) < 4:
        await websocket.close(1012, "restarting")
    await websocket.wait_closed()


def server():
    return websockets.serve(handler, "127.0.0.1", 0)


async def client(uri):
    heard = []
    async for websocket in websockets.connect(uri):
        try:
            async for message in websocket:
                heard.append(message)
                if message == "visit 2":
                    await websocket.recv()
                if message == "visit 4":
                    return heard
        except websockets.ConnectionClosed:
            continue


EXPECTED = ["visit 1", "visit 2", "visit 3", "visit 4"]
