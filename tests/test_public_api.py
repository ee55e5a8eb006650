"""The public names, and that those shared with `websockets` are called in the same way."""

import asyncio
import inspect
from enum import Enum
from typing import Any, get_type_hints

import pytest
import websockets
import websockets.asyncio.client
import websockets.asyncio.connection
import websockets.asyncio.server
import websockets.exceptions

import trunkline
from trunkline import limits

LIMITS = {*limits.LimitOptions.__annotations__}


def parameters(function: Any) -> dict[str, inspect.Parameter]:
    named = dict(inspect.signature(function).parameters)
    for name in ("self", "args", "kwargs", "options"):
        named.pop(name, None)
    return named


# The names


def test_every_public_name_is_there_and_sorted() -> None:
    assert all(hasattr(trunkline, name) for name in trunkline.__all__)
    assert len(set(trunkline.__all__)) == len(trunkline.__all__)


NOT_OURS_TO_GIVE = {"VERSION", "TYPE_CHECKING", "import_module"}
MODULES = {"auth", "testing"}


def test_no_public_name_is_forgotten() -> None:
    # Some are imported when they are asked for.
    assert all(hasattr(trunkline, name) for name in trunkline.__all__)
    found = {
        name
        for name, value in vars(trunkline).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert found - NOT_OURS_TO_GIVE == set(trunkline.__all__) - MODULES


@pytest.mark.parametrize("name", sorted(trunkline.__all__))
def test_every_public_name_is_documented(name: str) -> None:
    value = getattr(trunkline, name)
    if not isinstance(value, Enum):
        assert inspect.getdoc(value)


def public_methods() -> list[Any]:
    kinds = [
        trunkline.Connection,
        trunkline.ServerConnection,
        trunkline.Server,
        trunkline.WebSocket,
        trunkline.Events,
        trunkline.Headers,
        trunkline.App,
        trunkline.AppConnection,
    ]
    return [
        pytest.param(kind, name, id=f"{kind.__name__}.{name}")
        for kind in kinds
        for name in sorted(vars(kind))
        if not name.startswith("_")
    ]


@pytest.mark.parametrize(("kind", "name"), public_methods())
def test_every_public_method_is_documented_and_typed(kind: type, name: str) -> None:
    member = inspect.getattr_static(kind, name)
    if isinstance(member, trunkline.State):
        return  # a constant of the browser's
    assert inspect.getdoc(member)
    function = getattr(member, "fget", None) or getattr(member, "func", None) or member
    assert "return" in function.__annotations__


def test_the_version_is_a_version() -> None:
    numbers = trunkline.__version__.split(".")
    assert len(numbers) == 3
    assert numbers[0].isdigit()


def test_the_engine_says_why_it_runs() -> None:
    info = trunkline.engine_info()
    assert info.engine in ("asyncio", "native")
    assert info.endpoint.startswith("trunkline.")
    assert info.why


def test_the_root_of_the_errors_has_both_names() -> None:
    assert trunkline.WebSocketException is trunkline.TrunklineError
    errors = [
        value
        for value in vars(trunkline).values()
        if inspect.isclass(value) and issubclass(value, Exception)
    ]
    outside = {error for error in errors if not issubclass(error, trunkline.TrunklineError)}
    assert outside == {trunkline.MultipleValuesError}


# Calling them as those of `websockets`

# What `websockets` has and we have not, on purpose: `backoff` says how long to wait, compression
# is the only extension, and there is nothing to subclass.
NOT_OURS = {"extensions", "create_connection", "reconnect_delays"}


def test_connect_takes_the_parameters_of_websockets() -> None:
    theirs = parameters(websockets.asyncio.client.connect)
    ours = {*parameters(trunkline.connect), *LIMITS}
    assert "additional_headers" in theirs
    assert set(theirs) - ours <= NOT_OURS


def test_serve_takes_the_parameters_of_websockets() -> None:
    theirs = parameters(websockets.asyncio.server.serve)
    ours = {*parameters(trunkline.serve), *LIMITS}
    assert "process_request" in theirs
    assert set(theirs) - ours <= NOT_OURS


@pytest.mark.parametrize(
    ("ours", "theirs", "count"),
    [
        (trunkline.connect, websockets.asyncio.client.connect, 1),
        (trunkline.serve, websockets.asyncio.server.serve, 3),
        (trunkline.unix_connect, websockets.asyncio.client.unix_connect, 1),
        (trunkline.unix_serve, websockets.asyncio.server.unix_serve, 2),
    ],
)
def test_positional_parameters_are_those_of_websockets(ours: Any, theirs: Any, count: int) -> None:
    assert list(parameters(ours))[:count] == list(parameters(theirs))[:count]


@pytest.mark.parametrize(
    "name",
    [
        "open_timeout",
        "close_timeout",
        "ping_interval",
        "ping_timeout",
        "max_size",
        "max_queue",
    ],
)
def test_limits_have_the_defaults_of_websockets(name: str) -> None:
    theirs = parameters(websockets.asyncio.client.connect)[name].default
    assert getattr(limits.DEFAULT_LIMITS, name) == theirs


CONNECTION_METHODS = ["recv", "send", "close", "wait_closed", "ping", "pong"]


@pytest.mark.parametrize("name", CONNECTION_METHODS)
def test_methods_of_a_connection_take_the_parameters_of_websockets(name: str) -> None:
    ours = parameters(getattr(trunkline.Connection, name))
    theirs = parameters(getattr(websockets.asyncio.connection.Connection, name))
    assert list(ours)[: len(theirs)] == list(theirs)


@pytest.mark.parametrize(
    "name",
    [
        "id",
        "state",
        "subprotocol",
        "local_address",
        "remote_address",
        "latency",
        "close_code",
        "close_reason",
    ],
)
def test_properties_of_a_connection_have_the_names_of_websockets(name: str) -> None:
    theirs = websockets.asyncio.connection.Connection
    assert hasattr(trunkline.Connection, name)
    assert hasattr(theirs, name) or name in inspect.getsource(theirs.__init__)


@pytest.mark.parametrize("name", ["close", "wait_closed", "start_serving", "serve_forever"])
def test_methods_of_a_server_take_the_parameters_of_websockets(name: str) -> None:
    ours = parameters(getattr(trunkline.Server, name))
    theirs = parameters(getattr(websockets.asyncio.server.Server, name))
    assert list(ours)[: len(theirs)] == list(theirs)


def test_respond_takes_status_and_text_first() -> None:
    theirs = parameters(websockets.asyncio.server.ServerConnection.respond)
    ours = parameters(trunkline.ServerConnection.respond)
    assert [*theirs] == ["status", "text"]
    assert [*ours][:2] == ["status", "body"]  # bytes as well, and so another name


SHARED_ERRORS = [
    "ConcurrencyError",
    "ConnectionClosed",
    "ConnectionClosedError",
    "ConnectionClosedOK",
    "InvalidHandshake",
    "InvalidHeader",
    "InvalidMessage",
    "InvalidProxy",
    "InvalidProxyStatus",
    "InvalidState",
    "InvalidStatus",
    "InvalidURI",
    "InvalidUpgrade",
    "NegotiationError",
    "PayloadTooBig",
    "ProtocolError",
    "ProxyError",
    "SecurityError",
    "WebSocketException",
]


@pytest.mark.parametrize("name", SHARED_ERRORS)
def test_errors_with_a_name_of_websockets_are_called_so(name: str) -> None:
    assert hasattr(websockets.exceptions, name)
    assert issubclass(getattr(trunkline, name), trunkline.WebSocketException)


def test_closed_errors_are_split_alike() -> None:
    for errors in (trunkline, websockets.exceptions):
        closed: Any = errors.ConnectionClosed  # type: ignore[attr-defined]
        assert issubclass(errors.ConnectionClosedOK, closed)  # type: ignore[attr-defined]
        assert issubclass(errors.ConnectionClosedError, closed)  # type: ignore[attr-defined]


def test_close_codes_have_the_names_of_websockets() -> None:
    ours = {code.name: int(code) for code in trunkline.CloseCode}
    theirs = {code.name: int(code) for code in websockets.CloseCode}
    assert ours == theirs


def test_states_have_the_numbers_of_the_browser_and_of_websockets() -> None:
    ours = {state.name: int(state) for state in trunkline.State}
    assert ours == {state.name: int(state) for state in websockets.State}
    assert ours == {"CONNECTING": 0, "OPEN": 1, "CLOSING": 2, "CLOSED": 3}


# The public types can be read


@pytest.mark.parametrize(
    "name",
    [
        *("Decision", "Deflate", "Limits", "Backoff", "EngineInfo", "Close", "Request"),
        *("Drain", "Rate", "HttpRequest"),
    ],
)
def test_records_have_types_that_resolve(name: str) -> None:
    assert get_type_hints(getattr(trunkline, name))


async def test_a_program_moves_by_changing_an_import() -> None:
    """The same words, said to both libraries."""
    for library in (trunkline, websockets):
        serve, connect = library.serve, library.connect  # type: ignore[attr-defined]

        async def echo(ws: Any) -> None:
            async for message in ws:
                await ws.send(message)

        async with serve(echo, "127.0.0.1", 0, ping_interval=None, max_size=100) as server:
            port = server.sockets[0].getsockname()[1]
            uri = f"ws://127.0.0.1:{port}/path"
            async with connect(uri, additional_headers={"X": "y"}, proxy=None) as ws:
                await ws.send("hello")
                assert await asyncio.wait_for(ws.recv(), 20) == "hello"
                pong = await ws.ping()
                assert await pong >= 0
                assert ws.request.path == "/path"
                await ws.close(1000, "done")
            assert (ws.close_code, ws.close_reason) == (1000, "done")
