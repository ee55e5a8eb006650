"""Each kind of failure, provoked by a server of its own."""

import asyncio
import ssl
import warnings
from typing import Any

import pytest
import trustme

import trunkline
from tests.cli.doctor.targets import arguments_for, closed_port
from tests.client.certificates import LONG_AGO, client_context, server_context
from tests.client.proxies import connect_proxy
from tests.client.scripted import Script, answering, hang, read_head, scripted, switching
from trunkline.cli.arguments import DoctorArguments, parse_arguments
from trunkline.cli.doctor import approach, examination
from trunkline.cli.doctor.doctor import examine
from trunkline.cli.doctor.facts import Opening, Pulse
from trunkline.cli.doctor.probes.conversation import feel_pulse
from trunkline.cli.doctor.report import Report
from trunkline.cli.doctor.secrets import Secrets
from trunkline.cli.doctor.step import Mark, Step
from trunkline.cli.doctor.target import Target
from trunkline.connection.connection import Connection

SHORT = 0.01  # seconds, for what does not come
AUTHORITY = trustme.CA()
STRANGER = trustme.CA()


class Kept(Report):
    """Keeps the steps."""

    def __init__(self) -> None:
        super().__init__(lambda line: None, Secrets(), as_json=False)
        self.steps: list[Step] = []

    def add(self, step: Step) -> None:
        self.steps.append(step)
        super().add(step)


@pytest.fixture(autouse=True)
def trust(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the doctor trust the authority of the tests."""
    monkeypatch.setattr(approach, "default_context", lambda: client_context(AUTHORITY))


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the doctor see nothing when it looks closer: there is nothing, and it takes its time."""

    async def see_nothing(target: Target) -> None:
        return None

    monkeypatch.setattr(examination, "look", see_nothing)


async def examined(arguments: DoctorArguments) -> Kept:
    report = Kept()
    await examine(arguments, report, Secrets())
    return report


async def examined_at(port: int, *options: str, scheme: str = "ws") -> Kept:
    return await examined(arguments_for(f"{scheme}://localhost:{port}/chat", *options))


async def failure_of(script: Script, *options: str) -> Step:
    """Give the step at which a scripted server fails."""
    async with scripted(script) as port:
        report = await examined_at(port, *options)
    return last_failure(report)


async def tls_failure_of(context: ssl.SSLContext) -> Step:
    async with scripted(hang, context) as port:
        return last_failure(await examined_at(port, scheme="wss"))


def last_failure(report: Kept) -> Step:
    assert report.steps[-1].mark is Mark.FAILED
    return report.steps[-1]


def marks(report: Kept) -> dict[str, Mark]:
    return {step.name: step.mark for step in report.steps}


async def echo(ws: trunkline.ServerConnection) -> None:
    async for message in ws:
        await ws.send(message)


def port_of(server: trunkline.Server) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port


# It works


async def test_a_connection_that_works_is_gone_to_its_end() -> None:
    async with trunkline.serve(echo, "127.0.0.1", 0, subprotocols=["chat"]) as server:
        report = await examined_at(port_of(server), "--subprotocol", "chat", "--wait", "0.01")
    names = ["address", "proxy", "dns", "tcp", "http", "upgrade", "ping", "silence", "close"]
    assert marks(report) == dict.fromkeys(names, Mark.OK)
    assert report.steps[5].text.endswith("subprotocol chat")


async def test_a_connection_with_tls_shows_its_certificate() -> None:
    context = server_context(AUTHORITY)
    async with trunkline.serve(echo, "127.0.0.1", 0, ssl=context) as server:
        report = await examined_at(port_of(server), scheme="wss")
    assert report.is_good
    assert {"certificate", "tls"} <= set(marks(report))


async def test_a_certificate_that_is_not_checked_is_shown_with_a_warning() -> None:
    context = server_context(STRANGER, "other.example")
    async with trunkline.serve(echo, "127.0.0.1", 0, ssl=context) as server:
        report = await examined_at(port_of(server), "--insecure", scheme="wss")
    assert report.is_good
    assert marks(report)["tls"] is Mark.WARNING
    assert any("for other.example" in step.text for step in report.steps)


async def test_a_connection_through_a_proxy_shows_the_tunnel() -> None:
    async with (
        trunkline.serve(echo, "127.0.0.1", 0) as server,
        scripted(connect_proxy([], lambda: port_of(server))) as proxy,
    ):
        argv = ["doctor", "ws://a.example/chat", "--proxy", f"http://127.0.0.1:{proxy}"]
        report = await examined(parse_arguments(argv))  # type: ignore[arg-type]
    assert report.is_good
    assert marks(report)["tunnel"] is Mark.OK


# The way there


async def test_a_proxy_that_refuses_is_explained() -> None:
    refusal = b"HTTP/1.1 407 Who?\r\nContent-Length: 0\r\n\r\n"
    async with scripted(answering(refusal)) as proxy:
        argv = ["doctor", "ws://a.example/chat", "--proxy", f"http://127.0.0.1:{proxy}"]
        report = await examined(parse_arguments(argv))  # type: ignore[arg-type]
    assert last_failure(report).name == "tunnel"
    assert "the proxy wants to know who you are" in report.steps[-1].text


async def test_a_closed_port_ends_it() -> None:
    report = await examined_at(closed_port())
    assert last_failure(report).name == "tcp"


# TLS


@pytest.mark.parametrize(
    ("context", "what"),
    [
        (server_context(AUTHORITY, not_after=LONG_AGO.replace(year=2001)), "has expired on 2001"),
        (server_context(AUTHORITY, "other.example"), "another name: it is for other.example"),
        (server_context(STRANGER), "the issuer of the certificate is not known"),
    ],
)
async def test_a_wrong_certificate_is_shown_and_explained(
    context: ssl.SSLContext, what: str
) -> None:
    async with scripted(hang, context) as port:
        report = await examined_at(port, scheme="wss")
    assert "certificate" in marks(report)
    assert what in last_failure(report).text


async def test_a_server_that_speaks_old_versions_only_is_explained() -> None:
    context = server_context(AUTHORITY)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore"):
        context.minimum_version = ssl.TLSVersion.TLSv1_1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    step = await tls_failure_of(context)
    assert step.text == "the server speaks TLSv1.1, which is too old"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_server_that_wants_a_certificate_of_ours_is_explained(
    version: ssl.TLSVersion,
) -> None:
    context = server_context(AUTHORITY)
    context.maximum_version = version
    context.verify_mode = ssl.CERT_REQUIRED

    async def shake_hands(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # asyncio's own TLS would hang up without the alert that says why.
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        secured = context.wrap_bio(incoming, outgoing, server_side=True)
        while True:
            incoming.write(await reader.read(65536))
            try:
                secured.do_handshake()
            except ssl.SSLWantReadError:
                writer.write(outgoing.read())
            except ssl.SSLError:
                break
        writer.write(outgoing.read())
        writer.write_eof()
        await reader.read()

    async with scripted(shake_hands) as port:
        step = last_failure(await examined_at(port, scheme="wss"))
    assert "certificate of yours" in step.text


async def test_a_server_without_tls_is_found_by_what_comes_back() -> None:
    async with trunkline.serve(echo, "127.0.0.1", 0) as server:
        step = last_failure(await examined_at(port_of(server), scheme="wss"))
    assert step.text == "the server does not speak TLS at this port: what came back is HTTP"
    assert step.advice == "try ws://"


async def test_a_server_that_hangs_up_in_the_handshake_is_explained() -> None:
    async def leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)

    async with scripted(leave) as port:
        step = last_failure(await examined_at(port, scheme="wss"))
    assert step.text == "the server hung up during the handshake"


@pytest.mark.usefixtures("blind")
async def test_a_server_that_shows_nothing_is_explained_by_the_error() -> None:
    async def leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)

    async with scripted(leave) as port:
        step = last_failure(await examined_at(port, scheme="wss"))
    assert step.text == "the server hung up during the handshake"


async def test_nothing_secret_goes_to_a_server_without_tls() -> None:
    seen: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.read(65536))
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    async with scripted(listen) as port:
        uri = f"wss://me:hunter2@localhost:{port}/?token=abcdef"
        await examined(arguments_for(uri, "-H", "Cookie: a=ghijkl"))
    assert len(seen) == 3
    whole = b"".join(seen)
    assert b"GET / HTTP/1.1" in whole
    for secret in (b"Basic", b"hunter2", b"abcdef", b"ghijkl"):
        assert secret not in whole


# The answer


async def test_tls_at_a_plain_port_is_found() -> None:
    async with trunkline.serve(echo, "127.0.0.1", 0, ssl=server_context(STRANGER)) as server:
        step = last_failure(await examined_at(port_of(server)))
    assert step.sentence == "the server speaks TLS at this port; try wss://"


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage", "a web page answers, or a proxy"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "there is nothing at this path"),
        (b"HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n", "no answer from the server behind it"),
        (b"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n", "client to /b"),
        (b"SSH-2.0-OpenSSH\r\n", "the server does not speak HTTP at this port"),
        (b"", "the server hung up without an answer"),
    ],
)
@pytest.mark.usefixtures("blind")
async def test_an_answer_that_is_no_upgrade_is_explained(answer: bytes, what: str) -> None:
    step = await failure_of(answering(answer))
    assert step.name == "http"
    assert what in step.text


@pytest.mark.usefixtures("blind")
async def test_a_server_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask_in_vain(*_: object) -> Opening:
        return Opening(seconds=10.0, error=TimeoutError())

    monkeypatch.setattr(examination, "ask", ask_in_vain)
    step = await failure_of(hang)
    assert step.text == "no answer came in time: nothing came back"


async def test_a_refused_origin_is_explained_by_trials() -> None:
    async with trunkline.serve(echo, "127.0.0.1", 0) as server:
        port = port_of(server)
        step = last_failure(await examined_at(port, "--origin", "https://evil.example"))
    assert "with Origin https://evil.example it is refused" in step.text
    assert f"with Origin http://localhost:{port} it passes" in step.text
    assert "without Origin it passes" in step.text


async def test_a_refusal_that_is_not_about_the_origin_is_told() -> None:
    answers = iter([b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", b""])

    async def refuse_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.write(next(answers))
        await writer.drain()

    step = await failure_of(refuse_once)
    assert "it gets no answer), so it is about something else" in step.text


def switching_script(**changes: Any) -> Script:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(switching(await read_head(reader), **changes))
        await reader.read()

    return script


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"Sec_WebSocket_Accept": "wrong"}, "it is none to this request: Sec-WebSocket-Accept"),
        ({"Upgrade": None}, "Upgrade header is missing"),
        ({"Connection": "keep-alive"}, "Connection header is 'keep-alive'"),
        ({"Sec_WebSocket_Protocol": "odd"}, "subprotocol 'odd' was not offered"),
    ],
)
async def test_an_upgrade_that_is_none_is_explained(
    changes: dict[str, str | None], what: str
) -> None:
    step = await failure_of(switching_script(**changes))
    assert step.name == "upgrade"
    assert what in step.text


# The conversation


async def test_a_server_that_does_not_answer_pings_is_explained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def feel_shortly(connection: Connection, pings: int, timeout: float) -> Pulse:
        return await feel_pulse(connection, pings, SHORT)

    monkeypatch.setattr(examination, "feel_pulse", feel_shortly)
    step = await failure_of(switching_script())
    assert (step.name, step.text) == (
        "ping",
        "the connection is open, but pings are not answered",
    )


async def test_a_connection_that_is_closed_at_once_is_explained() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answer = switching(await read_head(reader))
        writer.write(answer + b"\x88\x0a\x03\xf0no token")
        await reader.read()

    step = await failure_of(refuse)
    assert "closed by the peer with 1008 (policy violation): no token" in step.text


async def test_a_line_that_is_cut_in_silence_is_explained() -> None:
    pings = 0

    class CutWhenSilent(trunkline.Events):
        def on_ping(self, ws: Any, data: bytes) -> None:
            nonlocal pings
            pings += 1
            if pings == trunkline.limits.DOCTOR_PINGS:
                asyncio.get_running_loop().call_soon(ws.abort)

    async with trunkline.serve(CutWhenSilent, "127.0.0.1", 0) as server:
        step = last_failure(await examined_at(port_of(server), "--wait", "20"))
    assert step.name == "silence"
    assert "of silence without a close frame: a proxy's idle timeout" in step.text
