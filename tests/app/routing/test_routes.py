"""Which route a request leads to, and what is said where there is none."""

import pytest

from trunkline import RequestRefused
from trunkline.app.routing.path import Path
from trunkline.app.routing.routes import Match, Route, Routes

WEBSOCKET: list[str] = []


def routes(*entries: tuple[str, list[str]]) -> Routes[Route]:
    made: Routes[Route] = Routes()
    for template, methods in entries:
        made.add(Route(Path(template), frozenset(methods)))
    return made


def found(match: Match[Route]) -> tuple[str, list[str], dict[str, object]]:
    return match.route.path.template, sorted(match.route.methods), match.params


EXAMPLES = routes(
    ("/", ["GET"]),
    ("/chat", WEBSOCKET),
    ("/chat", ["GET"]),
    ("/chat", ["POST", "PUT"]),
    ("/rooms/{room}", WEBSOCKET),
    ("/rooms/{room}", ["DELETE"]),
    ("/{page}", ["GET"]),
)


@pytest.mark.parametrize(
    ("path", "method", "is_upgrade", "expected"),
    [
        ("/", "GET", False, ("/", ["GET"], {})),
        ("/", "HEAD", False, ("/", ["GET"], {})),
        ("/chat", "GET", True, ("/chat", [], {})),
        ("/chat", "GET", False, ("/chat", ["GET"], {})),
        ("/chat", "PUT", False, ("/chat", ["POST", "PUT"], {})),
        ("/rooms/a", "GET", True, ("/rooms/{room}", [], {"room": "a"})),
        ("/rooms/a", "DELETE", False, ("/rooms/{room}", ["DELETE"], {"room": "a"})),
        ("/about", "GET", False, ("/{page}", ["GET"], {"page": "about"})),
        # The handshake knows what to say to whoever asks a WebSocket for a page.
        ("/rooms/a", "GET", False, ("/rooms/{room}", [], {"room": "a"})),
        # And that a WebSocket is opened with GET.
        ("/chat", "POST", True, ("/chat", [], {})),
    ],
)
def test_a_request_leads_to_its_route(
    path: str, method: str, is_upgrade: bool, expected: tuple[str, list[str], dict[str, object]]
) -> None:
    assert found(EXAMPLES.find(path, method, is_upgrade=is_upgrade)) == expected


@pytest.mark.parametrize(
    ("path", "method", "is_upgrade", "status", "reason", "allow"),
    [
        ("/a/b", "GET", False, 404, "there is nothing at this path", None),
        ("/a/b", "GET", True, 404, "there is no WebSocket at this path", None),
        ("/about", "GET", True, 404, "there is no WebSocket at this path", None),
        ("/about", "POST", False, 405, "this path answers GET, HEAD only", "GET, HEAD"),
        ("/rooms/a", "POST", False, 405, "this path answers DELETE, GET only", "DELETE, GET"),
        ("/rooms/a", "HEAD", False, 405, "this path answers DELETE, GET only", "DELETE, GET"),
        ("/", "BREW", False, 405, "this path answers GET, HEAD only", "GET, HEAD"),
        ("/", "get", False, 405, "this path answers GET, HEAD only", "GET, HEAD"),
    ],
)
def test_where_nothing_answers_that_is_said(
    path: str, method: str, is_upgrade: bool, status: int, reason: str, allow: str | None
) -> None:
    with pytest.raises(RequestRefused) as caught:
        EXAMPLES.find(path, method, is_upgrade=is_upgrade)
    assert (caught.value.status, caught.value.reason) == (status, reason)
    assert caught.value.headers.get("Allow") == allow


@pytest.mark.parametrize(
    ("template", "methods", "taken"),
    [
        ("/chat", WEBSOCKET, "/chat"),
        ("/chat", ["GET"], "/chat"),
        ("/chat", ["PUT", "PATCH"], "/chat"),
        ("/rooms/{name}", WEBSOCKET, "/rooms/{room}"),
        ("/{a:str}", ["GET"], "/{page}"),
    ],
)
def test_two_handlers_at_one_path_are_an_error(
    template: str, methods: list[str], taken: str
) -> None:
    with pytest.raises(ValueError) as caught:
        EXAMPLES.add(Route(Path(template), frozenset(methods)))
    assert str(caught.value) == f"there is a handler for {taken!r} already"


def test_paths_without_parameters_come_first_and_others_in_their_order() -> None:
    several = routes(("/{a:int}", ["GET"]), ("/{b}", ["GET"]), ("/x", ["GET"]))
    assert several.find("/x", "GET", is_upgrade=False).route.path.template == "/x"
    assert several.find("/7", "GET", is_upgrade=False).route.path.template == "/{a:int}"
    assert [route.path.template for route in several] == ["/x", "/{a:int}", "/{b}"]


def test_what_takes_a_whole_path_takes_what_nobody_else_wants() -> None:
    routes: Routes[Route] = Routes()
    everything = Route(Path("/{name:path}"), frozenset({"GET"}))
    time = Route(Path("/time/{zone}"), frozenset({"GET"}))
    routes.add(everything)
    routes.add(time)
    assert routes.find("/time/CET", "GET", is_upgrade=False).route is time
    assert routes.find("/time", "GET", is_upgrade=False).route is everything
