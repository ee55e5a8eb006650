"""The page about typed messages."""

import json

from tests.docs.page import Page, serve, uri_of
from trunkline import connect

PAGE = Page("typed-messages")


def test_no_block_is_forgotten() -> None:
    assert PAGE.languages() == {"python": 2, "json": 1}


async def test_an_order_is_filled_and_what_is_none_is_answered_as_the_page_says() -> None:
    async with serve(PAGE.run().app) as server, connect(uri_of(server, "/orders")) as ws:
        await ws.send('{"symbol": "ABC", "amount": 2}')
        assert json.loads(await ws.recv()) == {"symbol": "ABC", "price": 199.0}
        await ws.send('{"symbol": "ABC", "amount": "two"}')
        assert json.loads(await ws.recv()) == json.loads(PAGE.of("json")[0])


def test_the_document_has_the_route() -> None:
    document = PAGE.run().document
    assert document["asyncapi"].startswith("3.")
    assert document["channels"]["orders"]["address"] == "/orders"
    said = {
        each["action"]: [named["$ref"].rpartition("/")[2] for named in each["messages"]]
        for each in document["operations"].values()
    }
    assert said == {"receive": ["Order"], "send": ["Filled", "ErrorReply"]}
