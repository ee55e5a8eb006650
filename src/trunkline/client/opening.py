"""The client's side of the opening handshake: stream, TLS, request, answer."""

from __future__ import annotations

import asyncio
import functools
import os
import ssl
from base64 import b64encode

from trunkline.client.answer import Answer
from trunkline.client.connection import ClientConnection
from trunkline.client.options import ClientOptions
from trunkline.client.proxy import basic_credentials, choose_proxy, open_socks, open_tunnel
from trunkline.client.redirect import redirect_target, redirected
from trunkline.connection.lane import connection_type
from trunkline.connection.setting import Setting
from trunkline.engines.choose import current_engine
from trunkline.engines.engine import Address, Engine, Stream, Tls
from trunkline.errors import SecurityError
from trunkline.protocol.handshake import KEY_BYTES, check_response, make_request
from trunkline.protocol.headers import Headers
from trunkline.protocol.http1 import Request
from trunkline.protocol.refusals import InvalidStatus
from trunkline.protocol.role import Role
from trunkline.protocol.uri import WebSocketURI


async def open_connection(options: ClientOptions, uri: WebSocketURI) -> ClientConnection:
    """Connect to `uri`, and to where it redirects.

    Raises:
        TimeoutError: it took longer than `open_timeout`.
        InvalidHandshake: no connection came about.
        OSError: the server cannot be reached; `ssl.SSLError` is one.
    """
    seconds = options.limits.open_timeout
    deadline = asyncio.timeout(seconds)
    try:
        async with deadline:
            return await follow(options, uri)
    except TimeoutError:
        if not deadline.expired():
            raise
        raise TimeoutError(f"{uri} was not opened within {seconds} s") from None


async def follow(options: ClientOptions, uri: WebSocketURI) -> ClientConnection:
    """Connect, as often as the answer is a redirect."""
    for _ in range(options.limits.max_redirects + 1):
        try:
            return await open_once(options, uri)
        except InvalidStatus as error:
            target = redirect_target(error.response, uri)
            # A given socket has been used up.
            if target is None or options.sock is not None:
                raise
        options, uri = redirected(options, uri, target), target
    raise SecurityError(f"over {options.limits.max_redirects} redirects")


async def open_once(options: ClientOptions, uri: WebSocketURI) -> ClientConnection:
    """Connect to `uri` itself."""
    engine = current_engine()
    engine.poll_busily(options.limits.busy_poll)
    key = b64encode(os.urandom(KEY_BYTES)).decode()
    request = opening_request(options, uri, key)
    answer = Answer(options.limits)
    stream = await open_stream(engine, options, uri, answer)
    try:
        stream.write(request.serialize())
        response, rest = await answer.received()
        agreement = check_response(response, key, options.subprotocols, options.deflate)
        events = options.events() if options.events else None
        kind = connection_type(ClientConnection, stream)
        setting = Setting(engine, Role.CLIENT, options.limits, options.logger)
        connection = kind(setting, stream)
        connection.request, connection.response = request, response
        connection.open(agreement, events, rest)
    except BaseException:
        stream.abort()
        raise
    return connection


def opening_request(options: ClientOptions, uri: WebSocketURI, key: str) -> Request:
    """Make the request; credentials in the URI become Authorization (RFC 7617)."""
    headers = Headers(options.additional_headers)
    if uri.username is not None and "Authorization" not in headers:
        headers["Authorization"] = basic_credentials(uri.username, uri.password or "")
    return make_request(
        uri,
        key,
        origin=options.origin,
        subprotocols=options.subprotocols,
        deflate=options.deflate,
        additional_headers=headers,
        user_agent=options.user_agent,
    )


async def open_stream(
    engine: Engine, options: ClientOptions, uri: WebSocketURI, answer: Answer
) -> Stream:
    """Open the stream that the request goes through: direct, or by way of a proxy."""
    proxy = None if options.is_directed else choose_proxy(options.proxy, uri)
    tls = stream_tls(options, uri)
    write_limit = options.limits.write_limit
    if proxy is None:
        address = direct_address(options, uri)
        return await engine.connect(address, answer, tls=tls, write_limit=write_limit)
    if proxy.is_socks:
        address = Address(sock=await open_socks(proxy, uri))
        return await engine.connect(address, answer, tls=tls, write_limit=write_limit)
    stream = await open_tunnel(
        engine,
        proxy,
        uri,
        context=(options.proxy_ssl or default_context()) if proxy.scheme == "https" else None,
        limits=options.limits,
        user_agent=options.user_agent,
    )
    stream.receiver = answer
    if tls is not None:
        await start_tls(engine, stream, tls)
    return stream


async def start_tls(engine: Engine, stream: Stream, tls: Tls) -> None:
    """Secure the stream through a tunnel; cut it where that fails."""
    try:
        await engine.start_tls(stream, tls)
    except BaseException:
        stream.abort()
        raise


def direct_address(options: ClientOptions, uri: WebSocketURI) -> Address:
    """Give the place to connect to: that of the URI, unless the options say otherwise."""
    return Address(
        host=options.host or uri.host,
        port=options.port or uri.port,
        path=options.path,
        sock=options.sock,
        family=options.family,
        local_addr=options.local_addr,
    )


def stream_tls(options: ClientOptions, uri: WebSocketURI) -> Tls | None:
    """Give the TLS for wss://."""
    if not uri.secure:
        return None
    return Tls(
        context=options.ssl or default_context(),
        server_hostname=options.server_hostname or uri.host,
        handshake_timeout=options.limits.open_timeout,
    )


@functools.cache
def default_context() -> ssl.SSLContext:
    """Make, once, the context that trusts what the system trusts."""
    return ssl.create_default_context()
