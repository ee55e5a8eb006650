"""HTTP handlers: how they are called, and which methods they have."""

from typing import Any

import pytest

from trunkline import Headers, Request
from trunkline.app.routing.http import HttpRequest
from trunkline.app.routing.http_route import HttpRoute
from trunkline.app.routing.path import Path

PATH = Path("/{room}")
PARAMS = {"room": "lobby"}


def asked(method: str = "GET") -> HttpRequest:
    return HttpRequest(Request("/lobby", Headers({"Host": "a"}), method), "192.0.2.1")


def plain(request: HttpRequest) -> str:
    return request.method


def of_a_room(request: HttpRequest, room: str) -> str:
    return room


async def later(request: HttpRequest, room: str) -> str:
    return f"{room} later"


@pytest.mark.parametrize(
    ("handler", "body"), [(plain, b"GET"), (of_a_room, b"lobby"), (later, b"lobby later")]
)
async def test_a_handler_is_given_what_it_takes(handler: Any, body: bytes) -> None:
    route = HttpRoute.of(PATH, ["GET"], handler)
    assert (await route.answer(asked(), PARAMS)).body == body


async def test_head_has_no_content() -> None:
    response = await HttpRoute.of(PATH, ["GET"], plain).answer(asked("HEAD"), PARAMS)
    assert (response.body, response.headers["Content-Length"]) == (b"", "4")


def test_methods_are_those_of_the_handler() -> None:
    assert HttpRoute.of(PATH, ("PUT", "PATCH"), plain).methods == {"PUT", "PATCH"}


@pytest.mark.parametrize(
    ("methods", "error", "problem"),
    [
        ("GET", TypeError, "methods are a list of strings, not one string"),
        ([], ValueError, "methods are empty"),
        (["get"], ValueError, "'get' is not a method; one looks like GET"),
        (["A B"], ValueError, "'A B' is not a method"),
        (["HEAD"], ValueError, "HEAD is answered without a handler: leave it out"),
        (["GET", "OPTIONS"], ValueError, "OPTIONS is answered without a handler"),
    ],
)
def test_methods_that_cannot_be_meant_are_errors(
    methods: Any, error: type[Exception], problem: str
) -> None:
    with pytest.raises(error, match=problem):
        HttpRoute.of(PATH, methods, plain)


def test_a_handler_with_a_yield_is_an_error() -> None:
    def rooms(request: HttpRequest) -> Any:
        yield "lobby"

    async def rooms_later(request: HttpRequest) -> Any:
        yield "lobby"

    for wrong in (rooms, rooms_later):
        with pytest.raises(
            TypeError, match=r"rooms.* has a yield, so that calling it runs nothing"
        ):
            HttpRoute.of(PATH, ["GET"], wrong)


def test_a_handler_that_needs_another_parameter_is_an_error() -> None:
    with pytest.raises(TypeError, match="missing a required argument: 'room'"):
        HttpRoute.of(Path("/"), ["GET"], of_a_room)
