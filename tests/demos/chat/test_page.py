"""The files of the page."""

import re
from http import HTTPStatus
from importlib.resources import files

import pytest

from trunkline.demos.chat.page import ASSETS, PACKAGE, answer

REFERENCE = re.compile(rb"""(?:src|href|from)\s*=?\s*["']([^"']*)["']""")
INLINE = re.compile(rb"""\s(?:on\w+|style)\s*=|<style|<script[^>]*>\s*[^<\s]""")


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/?", "text/html; charset=utf-8"),
        ("/?name=Ada", "text/html; charset=utf-8"),
        ("/chat.js", "text/javascript; charset=utf-8"),
        ("/chat.css", "text/css; charset=utf-8"),
        ("/theme.css", "text/css; charset=utf-8"),
        ("/favicon.ico", "image/svg+xml"),
    ],
)
def test_a_file_of_the_page_is_given_with_its_type(path: str, content_type: str) -> None:
    response = answer(path)
    assert response.status_code == HTTPStatus.OK
    assert response.headers["Content-Type"] == content_type
    assert response.headers["Content-Length"] == str(len(response.body)) != "0"


@pytest.mark.parametrize("path", ["/index.html", "//", "/../server.py", "/%2e%2e/room.py", "/a"])
def test_everything_else_is_not_found(path: str) -> None:
    response = answer(path)
    assert response.status_code == HTTPStatus.NOT_FOUND
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("path", ["/", "/chat.js", "/nowhere"])
def test_every_answer_keeps_the_page_to_itself(path: str) -> None:
    headers = answer(path).headers
    policy = headers["Content-Security-Policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "frame-ancestors 'none'" in policy
    assert not any("unsafe" in directive for directive in policy)
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ASSETS)
def test_a_file_refers_only_to_other_files_of_the_page(path: str) -> None:
    for reference in REFERENCE.findall(answer(path).body):
        assert reference.decode() in ASSETS


def test_the_page_refers_to_script_styles_and_icon() -> None:
    references = set(REFERENCE.findall(answer("/").body))
    assert references == {b"/chat.js", b"/theme.css", b"/chat.css", b"/favicon.ico"}


def test_the_page_has_no_inline_script_or_style() -> None:
    assert INLINE.findall(answer("/").body) == []


@pytest.mark.parametrize("path", [path for path in ASSETS if path.endswith(".js")])
def test_no_script_writes_markup(path: str) -> None:
    assert not re.search(rb"innerHTML|outerHTML|insertAdjacent|document\.write", answer(path).body)


def test_every_file_that_is_there_is_served() -> None:
    folder = files(PACKAGE).joinpath("assets")
    served = {asset.file for asset in ASSETS.values() if asset.package == PACKAGE}
    assert {file.name for file in folder.iterdir()} == served
