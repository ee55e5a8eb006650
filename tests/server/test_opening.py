"""One opening handshake on the server: what is answered, and what never goes further."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from tests.engines.ear import client_tls, server_tls
from tests.engines.porter import calling
from tests.server.doorkeeper import Doorkeeper, Line, guarded
from tests.server.handlers import Recorder, server_for
from tests.server.wire import (
    HANG_SECONDS,
    ask,
    client_endpoint,
    port_of,
    read_answer,
    request,
    uri_of,
    visit,
)
from trunkline import (
    Connection,
    ConnectionClosedError,
    ConnectionClosedOK,
    Events,
    InvalidMessage,
    Limits,
    Request,
    RequestRefused,
    Response,
    ServerConnection,
    connect,
    testing,
)
from trunkline.limits import LINGER, SLOWEST_DOWNLOAD
from trunkline.server.opening import Opening

MIB = 1024 * 1024
ALERT = b"\x15"
"""How an alert of TLS begins (RFC 8446 §5.1)."""
SHORT_SECONDS = 0.05
"""A deadline that is meant to pass."""


def one_line(response: Response) -> str:
    """Give the body, which must be one line of text."""
    body = response.body.decode()
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.headers["Content-Length"] == str(len(response.body))
    upgrade = ", Upgrade" if "Upgrade" in response.headers else ""
    assert response.headers["Connection"] == f"close{upgrade}"
    assert body.endswith("\n") and body.count("\n") == 1
    return body.removesuffix("\n")


# Refusals


@pytest.mark.parametrize(
    ("sent", "status", "reason"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00", 400, "this is not HTTP (is it TLS on a plain port?)"),
        (b"GET / HTTP/1.1\nHost: a\r\n\r\n", 400, "a line ends without a carriage return"),
        (b"GET /\r\n\r\n", 400, "request line cannot be read"),
        (b"GET / HTTP/1.1\r\n\r\n", 400, "request has 0 Host headers, not one"),
        (b"POST / HTTP/1.1\r\nHost: a\r\n\r\n", 405, "only GET is served"),
        (b"GET / HTTP/1.0\r\nHost: a\r\n\r\n", 505, "HTTP/1.0 is not supported, HTTP/1.1 is"),
        (request(Upgrade=None), 426, "this is a WebSocket server: connect with a WebSocket client"),
        (
            request(Sec_WebSocket_Version="8"),
            426,
            "Sec-WebSocket-Version is not known, it must be 13",
        ),
        (request(Sec_WebSocket_Key="short"), 400, "Sec-WebSocket-Key is not 16 bytes in base64"),
        (request(Content_Length="5"), 400, "an opening request has no body"),
        (request(Origin="http://evil.com"), 403, "this Origin may not connect"),
        (b"GET /" + b"x" * 17_000, 414, "head is over 16,384 bytes, limit 16,384"),
        (request(X_Long="x" * 17_000), 431, "head is over 16,384 bytes, limit 16,384"),
    ],
)
async def test_a_refusal_is_a_status_and_one_line(sent: bytes, status: int, reason: str) -> None:
    handler = Recorder()
    async with server_for(handler) as server:
        response = await ask(server, sent)
    assert (response.status_code, one_line(response)) == (status, reason)
    assert not handler.was_reached


async def test_426_names_the_version_that_is_spoken() -> None:
    async with server_for() as server:
        response = await ask(server, request(Sec_WebSocket_Version="8"))
    assert response.headers["Sec-WebSocket-Version"] == "13"
    assert response.headers["Upgrade"] == "websocket"


async def test_an_answer_has_server_and_date() -> None:
    async with server_for(server_header="mine/1") as server:
        response = await ask(server, request())
    assert response.headers["Server"] == "mine/1"
    assert response.headers["Date"].endswith(" GMT")


async def test_the_server_header_can_be_left_out() -> None:
    async with server_for(server_header=None) as server:
        response = await ask(server, request())
    assert response.status_code == 101
    assert "Server" not in response.headers


async def test_a_refusal_is_logged_with_its_reason(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "trunkline.server")
    async with server_for() as server:
        await ask(server, request(Origin="http://evil.com"))
    assert "refused a request: 403: this Origin may not connect" in caplog.messages


# Deadlines


@pytest.mark.parametrize("sent", [b"", b"GET / HT", request()[:-2]])
async def test_a_slow_or_silent_handshake_gets_408(sent: bytes) -> None:
    async with server_for(open_timeout=SHORT_SECONDS) as server:
        response = await ask(server, sent)
    assert response.status_code == 408
    assert one_line(response) == f"not opened within {SHORT_SECONDS} s"


async def test_a_slow_hook_is_503_and_named_in_the_log_and_cancelled(
    caplog: pytest.LogCaptureFixture,
) -> None:
    cancelled = asyncio.Event()

    async def process_request(ws: ServerConnection, request: Request) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    handler = Recorder()
    options = {"process_request": process_request, "open_timeout": SHORT_SECONDS}
    async with server_for(handler, **options) as server:
        response = await ask(server, request())
        await cancelled.wait()
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert one_line(response) == f"not decided within {SHORT_SECONDS} s"
    assert not handler.was_reached
    [warning] = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert "process_request has not ended after " in warning.getMessage()
    assert warning.getMessage().endswith(f" s, and open_timeout is {SHORT_SECONDS} s")


async def test_a_hook_that_swallows_its_cancellation_is_too_late_all_the_same() -> None:
    done = asyncio.Event()

    async def process_request(ws: ServerConnection, request: Request) -> Response | None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            done.set()
        return None

    handler = Recorder()
    options = {"process_request": process_request, "open_timeout": SHORT_SECONDS}
    async with server_for(handler, **options) as server:
        response = await ask(server, request())
        await done.wait()
    assert response.status_code == 503
    assert not handler.was_reached


async def test_without_a_deadline_a_handshake_may_take_its_time() -> None:
    async with server_for(open_timeout=None) as server, visit(server) as (reader, writer):
        for byte in request():
            writer.write(bytes([byte]))
            await writer.drain()
        assert (await read_answer(reader)).status_code == 101


# What lies behind the request


async def test_bytes_behind_a_valid_request_are_frames() -> None:
    endpoint = client_endpoint()
    async with server_for() as server, visit(server) as (reader, writer):
        writer.write(request() + endpoint.send_text("glued"))
        assert (await read_answer(reader)).status_code == 101
        assert await reader.readexactly(7) == b"\x81\x05glued"
        writer.write(endpoint.send_close(1000, ""))
        assert await reader.read() == b"\x88\x02\x03\xe8"


async def test_frames_wait_while_a_hook_decides() -> None:
    decided = asyncio.Event()

    async def process_request(ws: ServerConnection, request: Request) -> None:
        await decided.wait()

    endpoint = client_endpoint()
    options = {"process_request": process_request, "max_size": 4 * MIB}
    async with server_for(**options) as server, visit(server) as (reader, writer):
        writer.write(request() + endpoint.send_binary(bytes(2 * MIB)))
        decided.set()
        assert (await read_answer(reader)).status_code == 101
        header = b"\x82\x7f" + (2 * MIB).to_bytes(8, "big")
        assert await reader.readexactly(len(header) + 2 * MIB) == header + bytes(2 * MIB)


def read_all_by_blocking(port: int, sent: bytes) -> bytes:
    """Send everything before reading anything, as a client that pipelines does."""
    with socket.create_connection(("127.0.0.1", port), timeout=HANG_SECONDS) as sock:
        sock.sendall(sent)
        received = b""
        while data := sock.recv(65536):
            received += data
    return received


@pytest.mark.parametrize(
    "refused", [request(Origin="http://evil.com"), b"POST / HTTP/1.1\r\nHost: a\r\n\r\n"]
)
async def test_a_refusal_can_be_read_by_who_pipelined_a_mebibyte_behind(refused: bytes) -> None:
    handler = Recorder()
    sent = refused + client_endpoint().send_binary(bytes(MIB)) + request()
    async with server_for(handler) as server:
        received = await asyncio.to_thread(read_all_by_blocking, port_of(server), sent)
    assert received.startswith(b"HTTP/1.1 40")
    assert received.count(b"HTTP/1.1") == 1
    assert not handler.was_reached


async def test_a_refused_client_that_stays_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trunkline.server.opening.LINGER", SHORT_SECONDS)
    server = await server_for(close_timeout=None)
    async with visit(server) as (reader, writer):
        writer.write(request(Upgrade=None))
        assert (await read_answer(reader)).status_code == 426
        with pytest.raises(ConnectionError):
            while True:
                writer.write(b"still here")
                await writer.drain()
                await asyncio.sleep(0)
        server.close()
        await server.wait_closed()


LARGE = "x" * MIB
LARGE_SECONDS = MIB / SLOWEST_DOWNLOAD


@asynccontextmanager
async def download_that_stalls() -> AsyncIterator[tuple[testing.House, asyncio.Task[Response]]]:
    """Ask for a large page, on a line on which nothing comes back."""

    def answer(connection: ServerConnection, request: Request) -> Response:
        [line] = house.lines
        line.stall(testing.Toward.CLIENT)
        return connection.respond(200, LARGE)

    async with testing.serve(Events, process_request=answer) as house:
        asking = asyncio.create_task(house.request("GET", timeout=None))
        await house.clock.settle()
        yield house, asking


async def test_a_large_answer_has_as_long_as_a_slow_line_takes_for_it() -> None:
    async with download_that_stalls() as (house, asking):
        await house.clock.advance(LARGE_SECONDS)
        house.lines[0].flow()
        assert (await asking).body == LARGE.encode()


async def test_who_does_not_read_a_large_answer_is_cut_off() -> None:
    async with download_that_stalls() as (house, asking):
        await house.clock.advance(LARGE_SECONDS + 2 * LINGER)
        house.lines[0].flow()
        assert len((await asking).body) < MIB


# What another desk may want


POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"


async def answered(pieces: list[bytes], desk: Doorkeeper) -> bytes:
    """Send pieces, one after the other was read, and give all that comes back."""
    async with guarded(lambda: desk) as server, visit(server) as (reader, writer):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        return await reader.read()


@pytest.mark.parametrize(
    "pieces",
    [
        [POST + b"\r\nbody"],
        [POST + b"\r\n", b"body"],
        [POST + b"\r\nbo", b"d", b"y, and what is too much"],
    ],
)
async def test_a_body_is_collected(pieces: list[bytes]) -> None:
    desk = Doorkeeper()
    answer = await answered(pieces, desk)
    assert answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"\r\n\r\nbody")
    assert desk.seen == ["greeted", "POST", "left"]


async def test_who_waits_for_a_word_before_a_body_gets_it() -> None:
    async with guarded(Doorkeeper) as server, visit(server) as (reader, writer):
        writer.write(POST + b"Expect: 100-continue\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"body")
        assert (await reader.read()).endswith(b"body")


async def test_a_body_that_is_too_large_is_refused_before_it_is_read() -> None:
    desk = Doorkeeper()
    answer = await answered([POST.replace(b"4", b"65537") + b"\r\n"], desk)
    assert answer.endswith(b"body is 65,537 bytes, limit 65,536\n")
    assert desk.seen == ["greeted", "413", "left"]


async def test_a_preface_is_read_before_the_request() -> None:
    answer = await answered([b"line\n" + POST + b"\r\nbody"], Doorkeeper(Line()))
    assert answer.endswith(b"body")


async def test_a_preface_may_come_in_pieces() -> None:
    line = Line()
    desk = Doorkeeper(line)
    async with guarded(lambda: desk) as server, visit(server) as (reader, writer):
        writer.write(b"li")
        while line.received != b"li":
            await asyncio.sleep(0)
        writer.write(b"ne\n" + POST + b"\r\nbody")
        assert (await reader.read()).endswith(b"body")


async def test_a_wrong_preface_is_refused() -> None:
    answer = await answered([b"wrong\n"], Doorkeeper(Line()))
    assert answer.startswith(b"HTTP/1.1 400") and answer.endswith(b"this is the wrong line\n")


async def test_whoever_comes_may_be_refused_before_a_word() -> None:
    desk = Doorkeeper(closed=RequestRefused(503, "full"))
    assert (await answered([], desk)).endswith(b"full\n")
    assert desk.seen == ["greeted", "503", "left"]


async def test_a_desk_hears_once_of_who_goes_without_a_word() -> None:
    desk = Doorkeeper()
    async with guarded(lambda: desk) as server, visit(server) as (_, writer):
        writer.write_eof()
        while desk.seen != ["greeted", "left"]:
            await asyncio.sleep(0)


# A preface before TLS


async def test_tls_begins_behind_the_preface() -> None:
    desk = Doorkeeper(Line())
    async with guarded(lambda: desk, server_tls()) as server, calling(port_of(server)) as caller:
        caller.stream.write(b"line\n" + caller.hello())
        caller.stream.write(await caller.last_flight(POST + b"\r\nbody"))
        assert (await caller.read(MIB)).endswith(b"body")
    assert desk.seen == ["greeted", "POST", "left"]


async def test_where_there_is_no_preface_tls_begins_at_once() -> None:
    async with guarded(Doorkeeper, server_tls()) as server:
        response = await ask(server, POST + b"\r\nbody", client_tls().context)
    assert response.body == b"body"


async def test_whoever_is_not_wanted_is_told_so_behind_tls() -> None:
    desk = Doorkeeper(Line(), closed=RequestRefused(503, "full"))
    async with guarded(lambda: desk, server_tls()) as server, calling(port_of(server)) as caller:
        caller.stream.write(b"line\n" + caller.hello())
        caller.stream.write(await caller.last_flight())
        assert (await caller.read(MIB)).endswith(b"full\n")
    assert desk.seen == ["greeted", "503", "left"]


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        (b"", ["greeted", "408", "left"]),
        (b"li", ["greeted", "408", "left"]),
        (b"line\n", ["greeted", "408", "left"]),
        (b"line\n\x16\x03\x01", ["greeted", "408", "left"]),
        (b"wrong\n", ["greeted", "400", "left"]),
        (b"line\nGET / HTTP/1.1\r\n\r\n", ["greeted", "left"]),
    ],
)
async def test_whoever_does_not_come_to_the_end_of_tls_gets_no_word_in_the_clear(
    sent: bytes, seen: list[str]
) -> None:
    desk = Doorkeeper(Line())
    tls, limits = server_tls(), {"open_timeout": SHORT_SECONDS}
    async with guarded(lambda: desk, tls, **limits) as server, calling(port_of(server)) as caller:
        caller.stream.write(sent)
        await caller.until_end()
        assert caller.ear.data[:1] in (b"", ALERT)
    assert desk.seen == seen


@pytest.mark.parametrize("sent", [b"", b"line\n", b"line\n\x16\x03\x01"])
async def test_a_server_does_not_wait_for_who_is_before_tls_when_it_closes(sent: bytes) -> None:
    line = Line()
    desk = Doorkeeper(line)
    server = await guarded(lambda: desk, server_tls(), close_timeout=None, open_timeout=None)
    async with calling(port_of(server)) as caller:
        caller.stream.write(sent)
        while line.received != sent or not desk.seen:
            await asyncio.sleep(0)
        server.close()
        await server.wait_closed()
        await caller.until_end()
        assert bytes(caller.ear.data) == b""
    assert desk.seen == ["greeted", "503", "left"]


# Clients that go away


async def test_a_client_that_ends_before_its_request_is_whole_gets_no_answer() -> None:
    async with server_for() as server, visit(server) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\n")
        writer.write_eof()
        assert await reader.read() == b""


async def test_a_client_that_is_gone_while_a_hook_runs_harms_nobody() -> None:
    asked, gone = asyncio.Event(), asyncio.Event()

    async def process_request(ws: ServerConnection, request: Request) -> None:
        asked.set()
        await gone.wait()

    handler = Recorder()
    async with server_for(handler, process_request=process_request) as server:
        async with visit(server) as (_, writer):
            writer.write(request())
            await asked.wait()
        gone.set()


async def test_a_hook_that_cuts_the_connection_is_cancelled() -> None:
    ended = asyncio.Event()

    async def process_request(ws: ServerConnection, request: Request) -> None:
        ws.abort()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with server_for(process_request=process_request) as server:
        async with visit(server) as (reader, writer):
            writer.write(request())
            assert await reader.read() == b""
        await ended.wait()


async def test_a_hook_that_goes_on_after_its_stream_is_lost_answers_nobody() -> None:
    returned = asyncio.Event()

    async def process_request(ws: ServerConnection, request: Request) -> Response | None:
        ws.abort()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            returned.set()
        return ws.respond(200, "is anybody there?\n")

    async with server_for(process_request=process_request) as server:
        async with visit(server) as (reader, writer):
            writer.write(request())
            assert await reader.read() == b""
        await returned.wait()


# Hooks


def refused(ws: ServerConnection, request: Request) -> Response | None:
    raise RequestRefused(401, "who are you?", {"WWW-Authenticate": "Basic"})


async def test_a_hook_may_refuse_by_raising() -> None:
    async with server_for(process_request=refused) as server:
        response = await ask(server, request())
    assert (response.status_code, one_line(response)) == (401, "who are you?")
    assert response.headers["WWW-Authenticate"] == "Basic"


def broken(ws: ServerConnection, request: Request) -> Response | None:
    raise RuntimeError("secret detail")


async def broken_later(ws: ServerConnection, request: Request) -> Response | None:
    await asyncio.sleep(0)
    return broken(ws, request)


WRONG_HOOKS: list[Callable[..., Awaitable[Any] | Any]] = [
    broken,
    broken_later,
    lambda ws, request: (404, [], b""),
    lambda ws, request: 404,
    lambda ws, request: Response(200, "☀"),
    lambda ws, request: Response(200, "OK", body="text"),  # type: ignore[arg-type]
    lambda ws, request: Response(101, "Switching Protocols"),
    lambda ws, request: ws.respond(999),
]


@pytest.mark.parametrize("hook", WRONG_HOOKS)
async def test_a_broken_hook_is_500_and_the_log_says_why(
    hook: Any, caplog: pytest.LogCaptureFixture
) -> None:
    handler = Recorder()
    async with server_for(handler, process_request=hook) as server:
        response = await ask(server, request())
    assert (response.status_code, one_line(response)) == (500, "see the server's log")
    assert "opening handshake failed" in caplog.messages
    assert not handler.was_reached


class Odd(BaseException):
    """As test frameworks and task libraries have."""


@pytest.mark.parametrize("kind", [Odd, asyncio.CancelledError])
async def test_a_hook_that_raises_what_is_no_exception_is_a_mistake_as_well(
    caplog: pytest.LogCaptureFixture, kind: type[BaseException]
) -> None:
    async def process_request(ws: ServerConnection, request: Request) -> None:
        raise kind

    async with server_for(process_request=process_request) as server:
        assert (await ask(server, request())).status_code == 500
    assert caplog.messages == ["opening handshake failed"]


async def test_whoever_was_answered_before_something_fails_is_cut(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    answer = Opening._answer

    def answer_and_fail(self: Opening, response: Response, *, opens: bool) -> bool:
        answer(self, response, opens=opens)
        raise MemoryError

    monkeypatch.setattr(Opening, "_answer", answer_and_fail)
    async with server_for() as server, visit(server) as (reader, writer):
        writer.write(request())
        with suppress(ConnectionResetError):
            await reader.read()
    assert "opening handshake failed" in caplog.messages


async def test_a_refusal_that_cannot_be_sent_is_500() -> None:
    def process_request(ws: ServerConnection, request: Request) -> None:
        raise RequestRefused(299, "no such status")

    async with server_for(process_request=process_request) as server:
        assert (await ask(server, request())).status_code == 500


# Events, limits, and servers that close


async def test_events_begin_when_the_connection_is_open() -> None:
    class Greeter(Events):
        def on_open(self, ws: Any) -> None:
            ws.send_soon(f"welcome to {ws.request.path}")

    async with server_for(Greeter) as server, connect(uri_of(server, "/room")) as ws:
        assert await ws.recv() == "welcome to /room"


async def test_an_error_in_on_open_closes_with_1011() -> None:
    class Broken(Events):
        def on_open(self, ws: Any) -> None:
            raise RuntimeError("oh")

    async with server_for(Broken) as server, connect(uri_of(server)) as ws:
        await ws.wait_closed()
    assert ws.close_code == 1011


async def test_limits_reach_the_connection() -> None:
    async with server_for(limits=Limits(max_size=3)) as server, connect(uri_of(server)) as ws:
        await ws.send("four")
        with pytest.raises(ConnectionClosedError) as caught:
            await ws.recv()
    assert caught.value.code == 1009


async def test_a_server_that_closes_during_a_hook_answers_503() -> None:
    asked, closed = asyncio.Event(), asyncio.Event()

    async def process_request(ws: ServerConnection, request: Request) -> None:
        asked.set()
        await closed.wait()

    handler = Recorder()
    server = await server_for(handler, process_request=process_request)
    async with visit(server) as (reader, writer):
        writer.write(request())
        await asked.wait()
        server.close()
        response = await read_answer(reader)
    closed.set()
    await server.wait_closed()
    assert (response.status_code, one_line(response)) == (503, "the server is shutting down")
    assert not handler.was_reached


@pytest.mark.parametrize("sent", [b"GET / HTTP/1.1\r\n", request(Upgrade=None)])
async def test_a_server_without_patience_cuts_openings(sent: bytes) -> None:
    server = await server_for(close_timeout=0.0)
    async with visit(server) as (_, writer):
        writer.write(sent)
        await writer.drain()
        server.close()
        await server.wait_closed()


async def test_a_hook_that_hangs_is_cancelled_when_patience_ends() -> None:
    asked, cancelled = asyncio.Event(), asyncio.Event()

    async def process_request(ws: ServerConnection, request: Request) -> None:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    server = await server_for(process_request=process_request, close_timeout=0.0)
    async with visit(server) as (_, writer):
        writer.write(request())
        await asked.wait()
        server.close()
        await server.wait_closed()
    assert cancelled.is_set()


async def test_a_client_sees_a_clean_end() -> None:
    async with server_for() as server:
        ws = await connect(uri_of(server))
        server.close()
        with pytest.raises(ConnectionClosedOK) as caught:
            await ws.recv()
    assert caught.value.code == 1001
    assert caught.value.was_clean


async def test_a_connection_that_cannot_begin_keeps_no_server_from_closing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Connection, "_fold_heads", fail)
    handler = Recorder()
    async with asyncio.timeout(HANG_SECONDS), server_for(handler) as server:
        with pytest.raises((OSError, MemoryError, InvalidMessage)):
            await connect(uri_of(server))
    assert not handler.was_reached
    assert "a connection could not begin" in caplog.text


async def test_an_opening_without_hooks_takes_no_task() -> None:
    tasks = []

    class Bystander(Events):
        def on_open(self, ws: Connection) -> None:
            tasks.append(asyncio.current_task())

    async with server_for(Bystander) as server:
        ws = await connect(uri_of(server))
        await ws.close()
    assert tasks == [None]


async def test_a_hook_that_does_not_wait_has_its_task_all_the_same() -> None:
    tasks = []

    def process_request(ws: ServerConnection, request: Request) -> None:
        tasks.append(asyncio.current_task())

    async with server_for(process_request=process_request) as server:
        ws = await connect(uri_of(server))
        await ws.close()
    assert tasks != [None]


# Who asks what was asked before


class Greeter(Events):
    """Sends what it was asked for."""

    def __init__(self, request: Request) -> None:
        self._request = request

    def on_open(self, ws: Connection) -> None:
        assert ws.request == self._request and ws.response is not None
        ws.send_soon(f"{self._request.path} {self._request.headers['X-Name']}")


async def test_who_asks_what_was_asked_before_is_served_as_well() -> None:
    async with server_for(lambda asked: Greeter(asked), subprotocols=["b"]) as server:
        for path in ("/first", "/second?a", "/third"):
            headers = {"X-Name": f"name of {path}"}
            ws = await connect(
                uri_of(server, path), additional_headers=headers, subprotocols=["a", "b"]
            )
            assert await ws.recv() == f"{path} name of {path}"
            assert ws.subprotocol == "b"
            await ws.close()
            assert ws.close_code == 1000


async def test_every_coroutine_is_told_its_request() -> None:
    async def tell(ws: ServerConnection) -> None:
        assert ws.request is not None
        await ws.send(ws.request.path)

    async with server_for(tell) as server:
        for path in ("/first", "/second"):
            async with connect(uri_of(server, path)) as ws:
                assert await ws.recv() == path


async def test_frames_behind_a_request_like_an_earlier_one_are_heard() -> None:
    endpoint = client_endpoint()
    async with server_for() as server:
        for _ in range(2):
            async with visit(server) as (reader, writer):
                writer.write(request() + endpoint.send_text("glued"))
                assert (await read_answer(reader)).status_code == 101
                assert await reader.readexactly(7) == b"\x81\x05glued"


async def test_a_request_like_an_earlier_one_may_come_in_pieces() -> None:
    async with server_for() as server:
        await ask(server, request())
        async with visit(server) as (reader, writer):
            for byte in request():
                writer.write(bytes([byte]))
                await writer.drain()
            assert (await read_answer(reader)).status_code == 101


async def test_a_factory_that_fails_later_is_answered_with_500() -> None:
    made: list[Events] = []

    def make(request: Request) -> Events:
        made.append(Events())
        if len(made) > 1:
            raise ValueError("no more")
        return made[0]

    async with server_for(make) as server:
        assert (await ask(server, request())).status_code == 101
        response = await ask(server, request())
    assert (response.status_code, one_line(response)) == (500, "see the server's log")
    assert len(made) == 2


async def test_a_refused_page_is_refused_again_and_again() -> None:
    async with server_for() as server:
        for _ in range(3):
            response = await ask(server, request(Origin="http://evil.com"))
            assert response.status_code == 403


class Door:
    """Stands for the compiled entrance: it opens nothing by itself."""

    def __init__(self, decline: Callable[[Any, float], Opening]) -> None:
        self.decline = decline
        self.reception = self
        self.learned: list[bytes] = []
        self.waited = 0.0
        self.is_broken = False

    def __call__(self, stream: Any) -> Opening:
        opening = self.decline(stream, self.waited)
        if self.is_broken:
            try:
                raise ValueError("no more")
            except ValueError:
                opening.fail()
        return opening

    def learn(self, head: bytes, *what: object) -> None:
        self.learned.append(head)

    def close(self) -> None:
        """Nobody waits."""


@pytest.fixture
def doors(monkeypatch: pytest.MonkeyPatch) -> list[Door]:
    """Give the doors of the servers that a test makes."""
    doors: list[Door] = []

    def open_entrance(setting: object, options: object, watch: object, decline: Any) -> Door:
        doors.append(Door(decline))
        return doors[-1]

    monkeypatch.setattr("trunkline.server.serve.open_entrance", open_entrance)
    return doors


async def test_what_was_accepted_is_remembered(doors: list[Door]) -> None:
    async with server_for() as server:
        await ask(server, request())
        await ask(server, request(Origin="http://evil.com"))
    assert doors[0].learned == [request()]


async def test_a_mistake_before_the_request_is_answered_with_500(doors: list[Door]) -> None:
    async with server_for() as server:
        doors[0].is_broken = True
        response = await ask(server, request())
    assert (response.status_code, one_line(response)) == (500, "see the server's log")


async def test_who_has_waited_before_is_not_waited_for_again(doors: list[Door]) -> None:
    async with server_for() as server:
        doors[0].waited = Limits().open_timeout or 0.0
        response = await ask(server, b"GET")
    assert response.status_code == 408
