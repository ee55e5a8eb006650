import asyncio
import os
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.app.running.workers.controlled import Boss
from tests.app.serving import HANG_GUARD, HASTE, make_app
from trunkline import CloseCode, connect
from trunkline.app.app import App
from trunkline.app.listening.failure import StartFailure
from trunkline.app.listening.place import Place
from trunkline.app.listening.sockets import close_all
from trunkline.app.running.alone import make_server
from trunkline.app.running.deadline import Deadline
from trunkline.app.running.run_options import RunOptions
from trunkline.app.running.signals import HELD_BACK
from trunkline.app.running.stop import longest
from trunkline.app.running.workers.assignment import Assignment
from trunkline.app.running.workers.message import Lines, Message, Say, encode
from trunkline.app.running.workers.worker import serve_under_control, work
from trunkline.auth.identity import Identity
from trunkline.auth.tickets import Tickets
from trunkline.limits import RELOAD_DRAIN

OPTIONS = RunOptions(place=Place(host="127.0.0.1", port=0), workers=2)
KEY = bytes(32).hex()


@dataclass
class Office:
    """Where a worker of the test works: its assignment, and the supervisor's end."""

    assignment: Assignment
    boss: socket.socket
    uri: str

    has_let_go: bool = False

    def let_go(self) -> None:
        """Close the worker's end, as the end of its process does."""
        if not self.has_let_go:
            self.has_let_go = True
            os.close(self.assignment.control)

    def heard(self) -> list[Message]:
        """Give everything that the worker has said, after it has gone."""
        self.let_go()
        data = b""
        while more := self.boss.recv(65536):
            data += more
        return Lines().feed(data)


@pytest.fixture
def office() -> Iterator[Office]:
    ours, theirs = socket.socketpair()
    ours.settimeout(HANG_GUARD)
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    uri = f"ws://127.0.0.1:{listening.getsockname()[1]}/echo"
    office = Office(Assignment(2, theirs.detach(), [listening.detach()]), ours, uri)
    yield office
    office.let_go()
    ours.close()


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave the signals of the test run as they are."""
    handlers = {number: signal.getsignal(number) for number in HELD_BACK}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


# In a process of its own


def test_it_serves_until_the_supervisor_has_gone(office: Office) -> None:
    office.boss.sendall(encode(Say.WELCOME, key=KEY) + encode(Say.DRAIN))
    assert work(make_app, office.assignment, OPTIONS) == 0
    (ready,) = office.heard()
    assert ready == {"say": Say.READY, "patience": longest(HASTE), "files": []}


def test_in_development_it_names_its_files(office: Office) -> None:
    office.boss.sendall(encode(Say.WELCOME, key=KEY) + encode(Say.DRAIN))
    options = RunOptions(place=OPTIONS.place, reload=True)
    assert work(make_app, office.assignment, options) == 0
    (ready,) = office.heard()
    assert ready["patience"] == longest(RELOAD_DRAIN)
    assert __file__ in ready["files"]


def test_it_ends_where_nobody_welcomes_it(office: Office) -> None:
    office.boss.shutdown(socket.SHUT_WR)
    assert work(make_app, office.assignment, OPTIONS) == 0
    assert office.heard() == []


def test_what_is_in_the_way_is_told_in_one_sentence(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> App:
        raise StartFailure("importing 'x' failed, see above", traceback="Traceback of x\n")

    assert work(fail, office.assignment, OPTIONS) == 1
    assert office.heard() == [{"say": Say.FAILED, "why": "importing 'x' failed, see above"}]
    assert capsys.readouterr().err == "Traceback of x\n"
    close_all(office.assignment.sockets())


def test_a_mistake_of_the_application_is_told_with_its_traceback(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    app = make_app()

    @app.on_start
    def fail() -> None:
        raise LookupError("no database")

    office.boss.sendall(encode(Say.WELCOME, key=KEY))
    assert work(lambda: app, office.assignment, OPTIONS) == 1
    why = "the application fails with LookupError: no database"
    (told,) = office.heard()
    assert told["say"] == Say.FAILED and told["why"].startswith(why)
    assert "Traceback" in capsys.readouterr().err


# On the loop of the test


class Working:
    """A worker that works beside the test."""

    def __init__(self, app: App, office: Office) -> None:
        self.app = app
        self.boss = Boss(office.boss)
        self.boss.tell(Say.WELCOME, key=KEY)
        self.sockets = office.assignment.sockets()
        self.deadline = Deadline(app.logger, lambda code: None)
        self.task = asyncio.create_task(
            serve_under_control(
                app,
                make_server(app, OPTIONS, self.sockets)(),
                office.assignment,
                OPTIONS,
                self.deadline,
            )
        )

    async def __aenter__(self) -> "Working":
        assert (await self.boss.hear())["say"] == Say.READY
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self.boss.sock.close()
        await self.task
        self.deadline.cancel()
        close_all(self.sockets)


async def closed_with(office: Office, act: Callable[[Working], Any]) -> int:
    """Connect, have something done, and give the code with which that ended the connection."""
    async with asyncio.timeout(HANG_GUARD), Working(make_app(), office) as working:
        ws = await connect(office.uri)
        await ws.send("hello")
        await ws.recv()
        act(working)
        await ws.wait_closed()
        assert ws.close_code is not None
        return ws.close_code


@pytest.mark.parametrize("say", [Say.ROLL, Say.DRAIN])
async def test_the_supervisor_has_it_drain(office: Office, say: Say) -> None:
    code = await closed_with(office, lambda working: working.boss.tell(say))
    assert code == CloseCode.SERVICE_RESTART


async def test_the_supervisor_has_it_cut(office: Office) -> None:
    code = await closed_with(office, lambda working: working.boss.tell(Say.CUT))
    assert code in (CloseCode.SERVICE_RESTART, CloseCode.ABNORMAL_CLOSURE)


async def test_it_drains_when_the_supervisor_has_gone(office: Office) -> None:
    code = await closed_with(office, lambda working: working.boss.sock.close())
    assert code == CloseCode.SERVICE_RESTART


async def test_it_drains_after_a_signal_of_its_own_however_often(office: Office) -> None:
    def terminate(working: Working) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)

    assert await closed_with(office, terminate) == CloseCode.SERVICE_RESTART


async def test_it_tells_what_it_does_and_closes_whom_others_disconnect(office: Office) -> None:
    app = make_app(auth=lambda request: Identity("ann"))
    async with asyncio.timeout(HANG_GUARD), Working(app, office) as working:
        ws = await connect(office.uri)
        working.boss.tell(Say.TAKE_SNAPSHOT, id=4)
        heard = await working.boss.hear()
        assert (heard["id"], heard["snapshot"]["connections"]) == (4, 1)
        working.boss.tell("not known yet")  # type: ignore[arg-type]
        working.boss.tell(Say.DISCONNECT, user="ann", code=4001, reason="elsewhere")
        await ws.wait_closed()
        assert (ws.close_code, ws.close_reason) == (4001, "elsewhere")
        assert app.disconnect("bob") == 0
        heard = await working.boss.hear()
        assert (heard["say"], heard["user"]) == (Say.DISCONNECT, "bob")


async def test_what_fails_is_logged_and_what_comes_after_it_is_done(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(auth=lambda request: Identity("ann"))
    async with asyncio.timeout(HANG_GUARD), Working(app, office) as working:
        ws = await connect(office.uri)
        working.boss.tell(Say.DISCONNECT, user="ann", code=1005, reason="")
        working.boss.tell(Say.DRAIN)
        await ws.wait_closed()
    assert ws.close_code == CloseCode.SERVICE_RESTART
    (record,) = [each for each in caplog.records if each.exc_info]
    assert record.getMessage() == "the supervisor said 'disconnect', and that failed"


async def test_tickets_are_those_of_all_workers(office: Office) -> None:
    tickets = Tickets()
    app = make_app(auth=tickets)
    async with asyncio.timeout(HANG_GUARD), Working(app, office) as working:
        opening = asyncio.create_task(
            connect(f"{office.uri}?ticket={tickets.issue('ann')}").__aenter__()
        )
        question = await working.boss.answer(is_first=True)
        assert question["say"] == Say.SPEND
        await (await opening).close()


async def test_one_worker_says_for_all_who_may_connect(office: Office) -> None:
    app = make_app()
    async with asyncio.timeout(HANG_GUARD), Working(app, office):
        assert app.is_announced
