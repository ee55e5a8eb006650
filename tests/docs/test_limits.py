"""The page about limits."""

from __future__ import annotations

import dataclasses
import re

import pytest

from tests.docs.page import DOCS, Page, serve, uri_of
from trunkline import ConnectionClosedError, Excess, Limits, Overflow, connect

PAGE = Page("limits")


def test_no_block_is_forgotten() -> None:
    assert PAGE.languages() == {"python": 3}


async def test_the_limit_of_the_application_and_of_a_route_hold() -> None:
    async with serve(PAGE.run().app) as server:
        async with connect(uri_of(server, "/upload"), max_size=None) as ws:
            await ws.send(bytes(64 * 1024 + 1))
        async with connect(uri_of(server, "/chat")) as ws:
            await ws.send("x" * (64 * 1024 + 1))
            with pytest.raises(ConnectionClosedError, match="1009"):
                await ws.recv()


def test_the_topic_conflates() -> None:
    assert PAGE.run().prices._overflow is Overflow.CONFLATE


def test_every_limit_that_the_page_names_is_one() -> None:
    table = re.findall(r"^\|([^|]+)\|", (DOCS / "limits.md").read_text(), re.MULTILINE)
    named = {name for cell in table for name in re.findall(r"`(\w+)`", cell)}
    assert named - set(Excess.__members__) <= {field.name for field in dataclasses.fields(Limits)}
