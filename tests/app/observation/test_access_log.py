"""One line for each life."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from tests.app.premises import serving, uri_of
from tests.app.seeing import Ends, ended, get, new_app, visit
from trunkline import Headers, RequestRefused, connect
from trunkline.app.admission.step import Step
from trunkline.app.observation.access_log import AccessLog
from trunkline.auth.basic import Basic
from trunkline.auth.identity import Identity
from trunkline.limits import LARGEST_LOGGED
from trunkline.protocol.http1 import Request, make_response

NAME = "trunkline.access"
HOSTILE = "bye\r\nFAKE 200 line\x1b[31m\x00\u2028\u202e\x85"


class Lines(logging.Handler):
    """Keeps what was logged."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[Any] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def lines() -> Iterator[list[Any]]:
    logger, handler = logging.getLogger(NAME), Lines()
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    yield handler.records
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


def fields(record: Any) -> dict[str, Any]:
    """Give what was added to a record."""
    usual = vars(logging.makeLogRecord({})).keys() | {"message", "asctime"}
    return {name: value for name, value in vars(record).items() if name not in usual}


# In an application


async def test_a_life_is_one_line(lines: list[Any]) -> None:
    app = new_app()
    ends = Ends(app)
    async with serving(app) as server:
        async with connect(uri_of(server, "/rooms/7?token=secret")) as ws:
            await ws.close(1000, "bye")
        await ends.come()
    [line] = lines
    start = "127.0.0.1 GET /rooms/7: closed with 1000 'bye' by the peer after "
    assert line.getMessage().startswith(start)
    told = fields(line)
    assert told.pop("seconds") >= 0 and told.pop("silence") >= 0
    assert told == {
        "event": "closed",
        "client": "127.0.0.1",
        "user": None,
        "route": "/rooms/{room}",
        "method": "GET",
        "path": "/rooms/7",
        "code": 1000,
        "reason": "bye",
        "closer": "peer",
        "error": None,
    }


async def test_a_refusal_is_one_line_with_step_and_reason(lines: list[Any]) -> None:
    async with serving(new_app()) as server:
        await get(server, "/nothing?password=secret", Authorization="Basic c2VjcmV0")
    [line] = lines
    assert line.getMessage() == (
        "127.0.0.1 GET /nothing: refused with 404 at route: there is nothing at this path"
    )
    told = fields(line)
    assert (told["event"], told["status"], told["step"]) == ("refused", 404, "route")
    assert told["reason"] == "there is nothing at this path"
    assert "secret" not in repr(vars(line)) and "c2VjcmV0" not in repr(vars(line))


async def test_an_answer_is_one_line_with_who_asked(lines: list[Any]) -> None:
    app = new_app(auth=Basic({"ada": "lovelace"}))
    async with serving(app) as server:
        await get(server, "/health")
    [line] = lines
    assert line.getMessage() == "127.0.0.1 GET /health: answered 200"
    assert (fields(line)["event"], fields(line)["status"]) == ("answered", 200)


async def test_what_cannot_be_read_is_a_line_without_a_path(lines: list[Any]) -> None:
    async with serving(new_app()) as server:
        await get(server, "/%00\x01")
    [line] = lines
    assert line.getMessage().startswith("127.0.0.1 - -: refused with 400 at request: ")
    assert fields(line)["path"] is fields(line)["method"] is None


# What strangers write


def test_the_reason_of_a_peer_cannot_write_lines(lines: list[Any]) -> None:
    AccessLog().closed(visit(), ended(1000, HOSTILE))
    [line] = lines
    assert line.getMessage().isprintable()
    assert fields(line)["reason"] == (r"bye\r\nFAKE 200 line\x1b[31m\x00\u2028\u202e\x85")
    assert "secret" not in repr(vars(line))


def test_nothing_else_can_write_lines_either(lines: list[Any]) -> None:
    AccessLog().refused(visit(address=HOSTILE), RequestRefused(400, HOSTILE))
    [line] = lines
    assert line.getMessage().isprintable()
    assert all(str(value).isprintable() for value in fields(line).values())


def test_an_endless_path_is_cut(lines: list[Any]) -> None:
    path = "/" + "a" * (LARGEST_LOGGED - 1)
    for more in ("", "b"):
        request = Request(path + more, Headers())
        AccessLog().answered(visit(request=request), make_response(200))
    assert [fields(line)["path"] for line in lines] == [path, f"{path}…"]


# Details


def test_a_token_that_is_refused_is_told_apart(lines: list[Any]) -> None:
    there = visit(connection=ended(3500), request=None, step=Step.USER)
    AccessLog().refused(there, RequestRefused(401, "expired"))
    [line] = lines
    assert line.getMessage() == "192.0.2.7 - -: token refused with 401 at user: expired"
    assert fields(line)["event"] == "token refused"


def test_the_user_and_the_cause_of_a_loss_are_named(lines: list[Any]) -> None:
    AccessLog().closed(visit(identity=Identity("ada")), ended(1006, "", ConnectionResetError()))
    [line] = lines
    assert line.getMessage() == (
        "192.0.2.7 (ada) GET /rooms/7: closed with 1006 by the peer (ConnectionResetError)"
        " after 1.5 s"
    )
    assert (fields(line)["user"], fields(line)["error"]) == ("ada", "ConnectionResetError")


def test_another_logger_can_be_given(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        AccessLog(logging.getLogger("mine")).answered(visit(), make_response(200))
    assert [record.name for record in caplog.records] == ["mine"]


def test_nothing_is_written_where_nobody_listens(caplog: pytest.LogCaptureFixture) -> None:
    log = AccessLog()
    with caplog.at_level(logging.WARNING, logger=NAME):
        log.closed(visit(), ended(1000))
        log.answered(visit(), make_response(200))
    assert caplog.records == []
