"""The page about logs, metrics and the status page."""

from __future__ import annotations

import base64
import logging
import re

import pytest

from tests.docs.page import DOCS, Page, serve, uri_of
from tests.docs.web import get
from trunkline import connect

PAGE = Page("seeing")


def test_no_block_is_forgotten() -> None:
    assert PAGE.languages() == {"python": 1}


async def test_every_metric_that_the_page_names_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "trunkline.access")
    page = PAGE.run()
    async with serve(page.app) as server, connect(uri_of(server, "/news")) as ws:
        await ws.ping()
        told = (await get(server, "/metrics")).text
    table = re.findall(r"^\|([^|]+)\|", (DOCS / "seeing.md").read_text(), re.MULTILINE)
    fields = {"event", "client", "user", "route", "method", "path", "seconds", "status", "step"}
    fields |= {"reason", "code", "closer", "silence", "error"}
    named = {name for cell in table for name in re.findall(r"`(\w+)`", cell)} - fields
    assert len(named) > 20
    families = set(re.findall(r"^# TYPE trunkline_(\w+)", told, re.MULTILINE))
    assert named <= families | {family.removesuffix("_total") for family in families}
    (line,) = [found for found in caplog.records if found.__dict__["event"] == "closed"]
    assert "GET /news: closed with 1000" in line.getMessage()


async def test_the_status_page_is_for_operators() -> None:
    operator = base64.b64encode(b"ops:correct horse battery staple").decode()
    async with serve(PAGE.run().app) as server:
        assert (await get(server, "/status")).status == 401
        page = await get(server, "/status", {"Authorization": f"Basic {operator}"})
    assert page.status == 200 and "<title>" in page.text
