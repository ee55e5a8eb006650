"""A page that shows what is going on: to some."""

import asyncio
import json
import re
from typing import Any

import pytest

from tests.app.premises import serving, uri_of
from tests.app.seeing import get, new_app
from trunkline import InvalidStatus, connect
from trunkline.app.observation.asset import read
from trunkline.app.observation.status_page import ASSETS, PAGE, answer_asset, answer_page
from trunkline.app.routing.router import INHERITED
from trunkline.auth.basic import Basic
from trunkline.auth.choice import OrAnonymous
from trunkline.limits import LARGEST_WORD

ADA = {"Authorization": "Basic YWRhOmxvdmVsYWNl"}
USERS = Basic({"ada": "lovelace"})
HANG_SECONDS = 20.0
ASKED: Any = None


async def receive(ws: Any) -> Any:
    async with asyncio.timeout(HANG_SECONDS):
        return json.loads(await ws.recv())


async def test_the_page_is_for_whoever_may_see_it() -> None:
    app = new_app()
    app.status_page(auth=USERS)
    async with serving(app) as server:
        assert (await get(server, "/status")).status_code == 401
        page = await get(server, "/status", **ADA)
        assert page.status_code == 200
        assert b'src="status/status.js"' in page.body
        for name in ASSETS:
            assert (await get(server, f"/status/{name}")).status_code == 200


async def test_so_are_the_figures() -> None:
    app = new_app()
    app.status_page(auth=USERS)
    async with serving(app) as server:
        uri = uri_of(server, "/status/live")
        with pytest.raises(InvalidStatus, match="401"):
            await connect(uri)
        elsewhere = ADA | {"Origin": "https://elsewhere.example"}
        with pytest.raises(InvalidStatus, match="403"):
            await connect(uri, additional_headers=elsewhere)
        async with connect(uri, additional_headers=ADA) as ws:
            assert await receive(ws) == {"points": []}
            shown = await receive(ws)
    assert shown["processes"][0]["routes"]["/status/live"]["connections"] == 1


async def test_pages_of_all_sites_may_connect_but_not_see_the_figures() -> None:
    app = new_app(origins=None)
    app.status_page(auth=USERS)
    elsewhere = ADA | {"Origin": "https://elsewhere.example"}
    async with serving(app) as server:
        with pytest.raises(InvalidStatus, match="403"):
            await connect(uri_of(server, "/status/live"), additional_headers=elsewhere)


@pytest.mark.parametrize(
    ("path", "script"),
    [
        ("/a/b", b'src="b/status.js"'),
        ("/a/b/", b'src="status.js"'),
        ("/", b'src="status.js"'),
        ("/a&b", b'src="a&amp;b/status.js"'),
    ],
)
async def test_it_may_be_elsewhere(path: str, script: bytes) -> None:
    app = new_app()
    app.status_page(path, auth=USERS)
    async with serving(app) as server:
        assert script in (await get(server, path, **ADA)).body
        script_path = f"{path.rstrip('/')}/status.js"
        assert (await get(server, script_path)).status_code == 200


# Protection


@pytest.mark.parametrize("auth", [None, INHERITED, OrAnonymous(USERS)])
def test_a_page_for_everybody_has_to_be_asked_for(auth: Any) -> None:
    app = new_app()
    with pytest.raises(ValueError, match="unprotected=True"):
        app.status_page(auth=auth)
    assert app.insecurities() == []


async def test_a_page_for_everybody_is_named_as_not_safe() -> None:
    app = new_app()
    app.status_page(auth=None, unprotected=True)
    async with serving(app) as server:
        assert (await get(server, "/status")).status_code == 200
        told = json.loads((await get(server, "/health")).body)
    assert told["insecure"] == [
        "status_page('/status', unprotected=True): everybody sees who uses what"
    ]


def test_a_path_has_no_parameters() -> None:
    with pytest.raises(ValueError, match="has no parameters"):
        new_app().status_page("/status/{page}", auth=USERS)


async def test_the_page_has_nothing_to_say() -> None:
    app = new_app()
    app.status_page(auth=USERS)
    async with serving(app) as server:
        ws = await connect(uri_of(server, "/status/live"), additional_headers=ADA)
        await ws.send("x" * (LARGEST_WORD + 1))
        await asyncio.wait_for(ws.wait_closed(), HANG_SECONDS)
        assert ws.close_code == 1009


# Files


def test_the_page_names_its_files_beside_it() -> None:
    response = answer_page("status/", ASKED)
    names = re.findall(r'(?:src|href)="([^"]*)"', response.body.decode())
    assert len(names) == 7
    assert {name.removeprefix("status/") for name in names} <= ASSETS.keys()
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("name", sorted(ASSETS))
def test_every_file_is_there(name: str) -> None:
    response = answer_asset(ASSETS[name], ASKED)
    assert response.body == read(ASSETS[name]) != b""
    assert response.headers["Content-Type"] == ASSETS[name].content_type


def test_nothing_in_the_page_is_a_script_or_a_style() -> None:
    text = read(PAGE).decode()
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
    assert all(not body for body in re.findall(r"<script[^>]*>(.*?)</script>", text, re.DOTALL))


def test_our_scripts_write_no_markup() -> None:
    for name in ("status.js", "charts.js", "words.js"):
        text = read(ASSETS[name]).decode()
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval", text)
