"""A health check beside the WebSocket, and a token that opens the door."""

import http

import websockets


async def process_request(connection, request):
    if request.path == "/healthz":
        return connection.respond(http.HTTPStatus.OK, "OK\n")
    if request.headers.get("Authorization") != "Bearer secret":
        response = connection.respond(http.HTTPStatus.UNAUTHORIZED, "who are you?\n")
        response.headers["WWW-Authenticate"] = "Bearer"
        return response
    connection.username = "ada"


def process_response(connection, request, response):
    response.headers["X-Greeting"] = "welcome"


async def handler(websocket):
    await websocket.send(f"{websocket.username} at {websocket.request.path}")
    await websocket.wait_closed()


def server():
    return websockets.serve(
        handler,
        "127.0.0.1",
        0,
        process_request=process_request,
        process_response=process_response,
        server_header="door",
    )


async def refusal(uri, **options):
    try:
        await websockets.connect(uri, **options)
    except websockets.InvalidStatus as error:
        response = error.response
        return response.status_code, response.body.decode(), response.headers["Server"]


async def client(uri):
    heard = [await refusal(uri + "healthz"), await refusal(uri)]
    token = {"Authorization": "Bearer secret"}
    async with websockets.connect(uri + "room?x=1", additional_headers=token) as websocket:
        heard.append(await websocket.recv())
        heard.append(websocket.response.headers["X-Greeting"])
    return heard


EXPECTED = [
    (200, "OK\n", "door"),
    (401, "who are you?\n", "door"),
    "ada at /room?x=1",
    "welcome",
]
