"""The files of the status page."""

import re
from typing import Any

import pytest

from trunkline.app.asset import PAGE, STATUS, answer_asset, answer_page, read

ASKED: Any = None


def test_the_page_names_its_files_beside_it() -> None:
    response = answer_page("status/", ASKED)
    names = re.findall(r'(?:src|href)="([^"]*)"', response.body.decode())
    assert len(names) == 6
    assert {name.removeprefix("status/") for name in names} <= STATUS.keys()
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("name", sorted(STATUS))
def test_every_file_is_there_and_keeps_to_itself(name: str) -> None:
    response = answer_asset(STATUS[name], ASKED)
    assert response.status_code == 200
    assert response.body == read(STATUS[name].file)
    assert response.headers["Content-Type"] == STATUS[name].content_type
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_nothing_in_the_page_is_a_script_or_a_style() -> None:
    text = read(PAGE.file).decode()
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
    assert all(not body for body in re.findall(r"<script[^>]*>(.*?)</script>", text, re.DOTALL))


def test_our_scripts_write_no_markup() -> None:
    for name in ("status.js", "charts.js", "words.js"):
        text = read(STATUS[name].file).decode()
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval", text)


def test_the_library_comes_with_its_licence() -> None:
    assert b"MIT License" in read("uplot/LICENSE")
