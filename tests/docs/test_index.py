"""The first page: three lines of an application, and the command that serves it."""

from tests.docs.page import Page, serve, uri_of
from trunkline import connect

PAGE = Page("index")


def test_no_block_is_forgotten() -> None:
    assert PAGE.languages() == {"python": 1, "console": 1}


async def test_the_application_echoes() -> None:
    async with serve(PAGE.run().app) as server, connect(uri_of(server, "/echo")) as ws:
        await ws.send("hello")
        assert await ws.recv() == "hello"


def test_the_command_is_one_that_there_is() -> None:
    from trunkline.cli.arguments import parse_arguments

    command, *arguments = PAGE.of("console")[0].split()
    assert command == "trunkline"
    assert parse_arguments(arguments)
