"""No credential is shown: not in a log, not in an error, not in `ws.request`, not to the client.

Each way of showing one is tried against a real server, once with right and once with wrong ones;
a marker in it is looked for wherever somebody might read.
"""

import ast
import logging
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest

from tests.auth.keys import SECRET
from tests.auth.openings import NOW
from tests.server.wire import port_of
from trunkline import (
    Headers,
    InvalidStatus,
    Request,
    RequestRefused,
    ServerConnection,
    connect,
    serve,
)
from trunkline.auth import (
    JWT,
    AnyOf,
    Basic,
    Cookie,
    Custom,
    Header,
    Query,
    Subprotocol,
    Tickets,
    as_authenticator,
)

SOURCE = Path(__file__).parents[2] / "src/trunkline/auth"
ORIGIN = "https://example.com"


def now() -> float:
    return NOW


TICKETS = Tickets(key="k" * 32, now=now)
TICKET = TICKETS.issue("ada")
TOKEN = jwt.encode({"sub": "ada", "exp": NOW + 60, "note": "marker"}, SECRET)
WRONG = jwt.encode({"sub": "ada", "exp": NOW - 60, "note": "marker"}, SECRET)
BASIC = b64encode(b"ada:marker-of-ada").decode()
AUTH = AnyOf(
    JWT(SECRET, now=now, sources=[Header(), Cookie("session"), Subprotocol(), Query()]),
    Basic({"ada": "marker-of-ada"}),
    TICKETS,
    Custom(
        lambda request: "ada" if "key=marker-of-ada" in request.path else None,
        conceals=[Query("key")],
    ),
)


def wrapped(token: str) -> str:
    return urlsafe_b64encode(token.encode()).decode().rstrip("=")


WAYS: dict[str, tuple[str, dict[str, Any]]] = {
    "header": ("/", {"additional_headers": {"Authorization": f"Bearer {TOKEN}"}}),
    "cookie": ("/", {"additional_headers": {"Cookie": f"a=1; session={TOKEN}"}, "origin": ORIGIN}),
    "subprotocol": ("/", {"subprotocols": ["chat", f"bearer.{TOKEN}"]}),
    "wrapped subprotocol": ("/", {"subprotocols": ["chat", f"bearer.{wrapped(TOKEN)}"]}),
    "query": (f"/?room=1&token={TOKEN}", {}),
    "basic": ("/", {"additional_headers": {"Authorization": f"Basic {BASIC}"}}),
    "ticket": (f"/?ticket={TICKET}", {}),
    "ticket subprotocol": ("/", {"subprotocols": ["chat", f"ticket.{TICKETS.issue('ada')}"]}),
    "custom": ("/?key=marker-of-ada", {}),
    "wrong header": ("/", {"additional_headers": {"Authorization": f"Bearer {WRONG}"}}),
    "wrong cookie": ("/", {"additional_headers": {"Cookie": f"session={TOKEN}"}}),
    "wrong subprotocol": ("/", {"subprotocols": ["chat", f"bearer.{WRONG}"]}),
    "wrong query": (f"/?token={TOKEN}x", {}),
    "two tokens": (f"/?token={TOKEN}&token={WRONG}", {}),
    "wrong basic": ("/", {"additional_headers": {"Authorization": f"Basic {BASIC[:-2]}"}}),
    "wrong ticket": (f"/?ticket={TICKET[:-3]}AAA", {}),
}


def secrets_of(path: str, options: dict[str, Any]) -> set[str]:
    """Give every part of a credential that would be a loss, wherever it is found."""
    texts = [
        path,
        *options.get("additional_headers", {}).values(),
        *options.get("subprotocols", ()),
    ]
    words = " ".join(texts)
    for mark in "/?&=.; ":
        words = words.replace(mark, " ")
    return {word for word in words.split() if len(word) > 9}


async def ask(connection: ServerConnection, request: Request) -> None:
    """Do what an application does before it accepts."""
    auth = as_authenticator(AUTH)
    assert auth is not None
    try:
        identity = await auth.authenticate(request)
    finally:
        auth.conceal(request)
    assert identity is not None and identity.user == "ada"


def choose(connection: ServerConnection, offered: Any) -> str | None:
    return next((name for name in offered if not AUTH.is_credential(name)), None)


@pytest.mark.parametrize("way", WAYS)
async def test_no_credential_is_shown_anywhere(way: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    shown: list[object] = []
    path, options = WAYS[way]

    async def handler(ws: ServerConnection) -> None:
        request = ws.request
        assert request is not None
        shown.extend([request, request.serialize(), repr(ws), str(ws), ws.subprotocol])

    hooks = {"process_request": ask, "select_subprotocol": choose}
    async with serve(handler, "127.0.0.1", 0, origins=None, **hooks) as server:
        uri = f"ws://127.0.0.1:{port_of(server)}{path}"
        try:
            async with connect(uri, **options) as ws:
                await ws.wait_closed()
                assert ws.response is not None
                shown.append(ws.response.serialize())
            assert not way.startswith(("wrong", "two"))
        except InvalidStatus as refused:
            assert way.startswith(("wrong", "two")), refused
            shown.extend([refused.response.serialize(), str(refused), repr(refused)])
    server_log = [r for r in caplog.records if r.name.startswith("trunkline")]
    shown.extend(record.getMessage() for record in server_log)
    shown.append(caplog.text)
    found = {secret for secret in secrets_of(path, options) if secret in repr(shown)}
    assert secrets_of(path, options) and not found


@pytest.mark.parametrize("way", [way for way in WAYS if way.startswith(("wrong", "two"))])
async def test_no_credential_is_in_an_error(way: str) -> None:
    path, options = WAYS[way]
    headers = dict(options.get("additional_headers", {}))
    if "subprotocols" in options:
        headers["Sec-WebSocket-Protocol"] = ", ".join(options["subprotocols"])
    request = Request(path, Headers(headers))
    with pytest.raises(RequestRefused) as caught:
        await AUTH.authenticate(request)
    told = [str(caught.value), repr(caught.value), caught.value.args, caught.value.headers]
    assert not [secret for secret in secrets_of(path, options) if secret in repr(told)]


# Comparing


def compared(tree: ast.AST) -> Iterator[str]:
    """Give every name that is compared by `==` or `!=`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and any(
            isinstance(op, ast.Eq | ast.NotEq) for op in node.ops
        ):
            for part in ast.walk(node):
                if isinstance(part, ast.Name | ast.Attribute):
                    yield part.id if isinstance(part, ast.Name) else part.attr


@pytest.mark.parametrize("file", sorted(SOURCE.glob("*.py")), ids=lambda file: file.name)
def test_no_secret_is_compared_such_that_the_time_tells(file: Path) -> None:
    secret = {"password", "secret", "signature", "digest", "token", "ticket", "credentials"}
    assert not secret & set(compared(ast.parse(file.read_text())))
