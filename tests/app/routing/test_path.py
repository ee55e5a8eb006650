"""Paths with parameters, and which paths of requests they are."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline import RequestRefused
from trunkline.app.routing.path import Path


@pytest.mark.parametrize(
    ("template", "path", "params"),
    [
        ("/", "/", {}),
        ("/chat", "/chat", {}),
        ("/a.b-c_d~e!$&'()*+,;=:@", "/a.b-c_d~e!$&'()*+,;=:@", {}),
        ("/rooms/{room}", "/rooms/lobby", {"room": "lobby"}),
        ("/rooms/{room}", "/rooms/a%20b%2Fc", {"room": "a b/c"}),
        ("/rooms/{room}", "/rooms/%C3%A9", {"room": "é"}),
        ("/rooms/{room:str}/log", "/rooms/x/log", {"room": "x"}),
        ("/users/{user:int}", "/users/007", {"user": 7}),
        ("/users/{user:int}", "/users/" + "9" * 18, {"user": 10**18 - 1}),
        ("/files/{name:path}", "/files/a/b%2f..", {"name": "a/b/.."}),
        ("/{a}/{b:int}.json", "/x/1.json", {"a": "x", "b": 1}),
    ],
)
def test_a_path_gives_its_parameters(template: str, path: str, params: dict[str, object]) -> None:
    assert Path(template).match(path) == params


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("/", ""),
        ("/chat", "/chat/"),
        ("/chat", "/Chat"),
        ("/chat", "/ch%61t"),
        ("/a.b", "/axb"),
        ("/rooms/{room}", "/rooms/"),
        ("/rooms/{room}", "/rooms/a/b"),
        ("/rooms/{room}", "/x/rooms/a"),
        ("/users/{user:int}", "/users/-1"),
        ("/users/{user:int}", "/users/%31"),
        ("/users/{user:int}", "/users/" + "9" * 19),
        ("/files/{name:path}", "/files/"),
    ],
)
def test_another_path_is_another_path(template: str, path: str) -> None:
    assert Path(template).match(path) is None


@pytest.mark.parametrize("path", ["/rooms/%ff", "/rooms/%c3", "/rooms/%ed%a0%80"])
def test_a_parameter_that_is_not_utf_8_is_refused(path: str) -> None:
    with pytest.raises(RequestRefused, match="400: a part of the path is not UTF-8"):
        Path("/rooms/{room}").match(path)


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("chat", "'chat' is not a path: it must begin with /"),
        ("", "'' is not a path: it must begin with /"),
        ("/a b", "'/a b' has a character that may not be in a path: '/a b'"),
        ("/caf%C3%A9", "has a character that may not be in a path"),
        ("/a?b=c", "has a character that may not be in a path"),
        ("/a#b", "has a character that may not be in a path"),
        ("/{a", "has a character that may not be in a path"),
        ("/{1}", "has a character that may not be in a path"),
        ("/{a:float}", "{a:float} in a path has an unknown kind; there are str, int, path"),
        ("/{a}/{a:int}", "'/{a}/{a:int}' has the parameter 'a' twice"),
        ("/{a}{b}", "'/{a}{b}' has two parameters without a slash between them"),
        ("/{a}.{b:int}", "has two parameters without a slash between them"),
        ("/{a:path}/x/{b:path}", "has two parameters of the kind 'path'"),
    ],
)
def test_a_template_that_cannot_be_meant_is_an_error(template: str, problem: str) -> None:
    with pytest.raises(ValueError) as caught:
        Path(template)
    assert problem in str(caught.value)


def test_a_path_that_is_no_string_is_an_error() -> None:
    template: Any = ["/chat"]
    with pytest.raises(TypeError, match=r"^a path is a string, not \['/chat'\]$"):
        Path(template)


def test_parameters_and_shape_are_known() -> None:
    path = Path("/a/{b}/{c:int}/{d:path}")
    assert path.parameters == {"b", "c", "d"}
    assert path.is_greedy and not path.is_literal
    assert path.shape == "/a/{:str}/{:int}/{:path}" == Path("/a/{x:str}/{y:int}/{z:path}").shape
    assert path.address == "/a/{b}/{c}/{d}"
    assert not Path("/a/{b}/{c:int}").is_greedy
    assert Path("/a/b").is_literal
    assert Path("/a/b").shape == "/a/b"


@given(st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"]), max_size=50))
def test_whatever_matches_has_its_parameters(path: str) -> None:
    try:
        params = Path("/{a}/x{b}/{c:path}").match(path)
    except RequestRefused as refused:
        assert refused.status == 400
        return
    assert params is None or all(params[name] for name in "abc")


def test_a_path_is_matched_in_linear_time() -> None:
    # With backtracking over all pairs of places this would take for ever.
    long = "/" + "a/" * 100_000
    assert Path("/{a:path}/b/{c}").match(long) is None
    assert Path("/{a}-x").match("/" + "-" * 200_000) is None
