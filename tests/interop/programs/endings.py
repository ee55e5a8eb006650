"""Every way in which a conversation can end, and what is known of it afterwards."""

import websockets
from websockets import ConnectionClosedError, ConnectionClosedOK


async def handler(websocket):
    match websocket.request.path:
        case "/return":
            return
        case "/fail":
            raise RuntimeError("on purpose")
        case "/private":
            await websocket.close(4000, "as agreed")
        case "/leave":
            await websocket.close(websockets.CloseCode.GOING_AWAY, "off I go")
        case _:
            await websocket.wait_closed()


def server():
    return websockets.serve(handler, "127.0.0.1", 0)


async def ending(uri):
    async with websockets.connect(uri) as websocket:
        try:
            await websocket.recv()
        except ConnectionClosedOK as end:
            kind, end_ = "ok", end
        except ConnectionClosedError as end:
            kind, end_ = "error", end
        # Leaving closes once more, which does no harm.
    return kind, end_.rcvd.code, end_.rcvd.reason, websocket.close_code, websocket.state.name


async def client(uri):
    heard = [await ending(uri + path) for path in ("return", "fail", "private", "leave")]
    async with websockets.connect(uri) as websocket:
        pass
    try:
        await websocket.send("too late")
    except websockets.ConnectionClosed as end:
        heard.append((type(end).__name__, end.sent.code, end.rcvd.code))
    return heard


EXPECTED = [
    ("ok", 1000, "", 1000, "CLOSED"),
    ("error", 1011, "", 1011, "CLOSED"),
    ("error", 4000, "as agreed", 4000, "CLOSED"),
    ("ok", 1001, "off I go", 1001, "CLOSED"),
    ("ConnectionClosedOK", 1000, 1000),
]
