"""aiohttp as a peer. It sends no fragments and always closes with a code."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, WebSocketError, WSMessage, WSMsgType
from aiohttp.web import Application, AppRunner, Request, TCPSite, WebSocketResponse, get

from tests.interop.peers import Data, Settings
from trunkline import Close, CloseCode

Socket = ClientWebSocketResponse[Any] | WebSocketResponse[Any]


class AiohttpConversation:
    """One connection of aiohttp's, which answers pings and closes only while it is read."""

    def __init__(self, ws: Socket, subprotocol: str | None) -> None:
        self.subprotocol = subprotocol
        self._ws = ws
        self._messages: asyncio.Queue[Data] = asyncio.Queue()
        self._pongs: asyncio.Queue[bytes] = asyncio.Queue()
        self._end: asyncio.Future[Close] = asyncio.get_running_loop().create_future()
        self._reading = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        while not self._end.done():
            message = await self._ws.receive()
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                self._messages.put_nowait(message.data)
            elif message.type is WSMsgType.PONG:
                self._pongs.put_nowait(message.data)
            else:
                self._end.set_result(self._ending(message))

    def _ending(self, message: WSMessage) -> Close:
        if message.type is WSMsgType.CLOSE:
            # aiohttp says 0 for a close frame without a code.
            return Close(message.data or CloseCode.NO_STATUS_RCVD, message.extra or "")
        if message.type is WSMsgType.ERROR and isinstance(message.data, WebSocketError):
            return Close(message.data.code, str(message.data))
        return Close(self._ws.close_code or CloseCode.ABNORMAL_CLOSURE, "")

    @property
    def is_compressed(self) -> bool:
        return bool(self._ws.compress)

    async def send(self, message: Data) -> None:
        if isinstance(message, str):
            await self._ws.send_str(message)
        else:
            await self._ws.send_bytes(message)

    async def send_fragments(self, parts: Sequence[Data]) -> None:
        raise NotImplementedError("aiohttp cannot send fragments")

    async def receive(self) -> Data:
        return await self._messages.get()

    async def ping(self, payload: bytes) -> bytes:
        await self._ws.ping(payload)
        return await self._pongs.get()

    async def close(self, code: int | None, reason: str) -> int:
        if code is None:
            raise NotImplementedError("aiohttp cannot close without a code")
        if isinstance(self._ws, WebSocketResponse):
            # While it is being read, aiohttp's server does not wait for the answer.
            self._reading.cancel()
        await self._ws.close(code=code, message=reason.encode())
        assert self._ws.close_code is not None
        if not self._end.done():
            self._end.set_result(Close(self._ws.close_code, ""))
        return self._ws.close_code

    async def closed(self) -> Close:
        return await asyncio.shield(self._end)

    def destroy(self) -> None:
        transport_socket = self._ws.get_extra_info("socket")
        # A copy, because uvloop's own cannot be shut down.
        with socket.fromfd(
            transport_socket.fileno(), transport_socket.family, transport_socket.type
        ) as copy:
            copy.shutdown(socket.SHUT_RDWR)

    async def end(self) -> None:
        """Close, if that has not happened, and stop reading."""
        await self._ws.close()
        await self.closed()


class AiohttpPlace:
    """A server of aiohttp's."""

    def __init__(self, settings: Settings) -> None:
        self.port = 0
        self._settings = settings
        self._arrivals: asyncio.Queue[AiohttpConversation] = asyncio.Queue()

    async def arrive(self, request: Request) -> WebSocketResponse[Any]:
        """Hand the connection to the test for as long as it lives."""
        ws: WebSocketResponse[Any] = WebSocketResponse(
            protocols=self._settings.subprotocols,
            compress=self._settings.deflate is not None,
            max_msg_size=self._settings.max_size,
            autoping=not self._settings.hears_pongs,
        )
        await ws.prepare(request)
        conversation = AiohttpConversation(ws, ws.ws_protocol)
        self._arrivals.put_nowait(conversation)
        await conversation.closed()
        return ws

    async def accept(self) -> AiohttpConversation:
        return await self._arrivals.get()


class AiohttpPeer:
    """aiohttp, on the loop of the test."""

    @asynccontextmanager
    async def connect(self, uri: str, settings: Settings) -> AsyncIterator[AiohttpConversation]:
        deflate, certificate = settings.deflate, settings.certificate
        async with (
            ClientSession() as session,
            session.ws_connect(
                uri,
                protocols=settings.subprotocols,
                # It asks for a window of the server's, and for nothing else.
                compress=0 if deflate is None else deflate.server_max_window_bits,
                max_msg_size=settings.max_size,
                autoping=not settings.hears_pongs,
                ssl=True if certificate is None else certificate.client_context,
            ) as ws,
        ):
            conversation = AiohttpConversation(ws, ws.protocol)
            yield conversation
            await conversation.end()

    @asynccontextmanager
    async def serve(self, settings: Settings) -> AsyncIterator[AiohttpPlace]:
        place = AiohttpPlace(settings)
        application = Application()
        application.add_routes([get("/", place.arrive)])
        runner = AppRunner(application)
        await runner.setup()
        certificate = settings.certificate
        context = None if certificate is None else certificate.server_context
        await TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        place.port = runner.addresses[0][1]
        try:
            yield place
        finally:
            await runner.cleanup()
