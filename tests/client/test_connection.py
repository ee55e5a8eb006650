"""The client's side of a connection."""

from trunkline import ClientConnection, Connection, ServerConnection, connect, serve


async def echo(ws: ServerConnection) -> None:
    async for message in ws:
        await ws.send(message)


async def test_a_client_holds_a_client_connection_with_its_handshake() -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}/room") as ws:
            assert isinstance(ws, ClientConnection)
            assert isinstance(ws, Connection)
            assert ws.request is not None and ws.request.path == "/room"
            assert ws.response is not None and ws.response.status_code == 101
