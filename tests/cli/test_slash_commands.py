import asyncio
import io

import pytest

import trunkline
from trunkline.cli.console import Console
from trunkline.cli.slash_commands import HELP, Commands

HANG_GUARD = 20.0  # seconds


class Notes(Console):
    """Keeps the notes."""

    def __init__(self) -> None:
        super().__init__(None, io.StringIO(), io.StringIO())
        self.queue: asyncio.Queue[str] = asyncio.Queue()

    def note(self, text: str) -> None:
        self.queue.put_nowait(text)

    async def next(self) -> str:
        async with asyncio.timeout(HANG_GUARD):
            return await self.queue.get()


async def idle(ws: trunkline.ServerConnection) -> None:
    await ws.wait_closed()


async def run(*lines: str) -> tuple[trunkline.Connection, Commands, list[str]]:
    """Carry out lines on a connection of its own, and close that."""
    async with trunkline.serve(idle, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with trunkline.connect(f"ws://127.0.0.1:{port}") as ws:
            notes = Notes()
            commands = Commands(ws, notes)
            for line in lines:
                commands.run(line)
            said = [await notes.next() for _ in lines if not commands.close_code]
    return ws, commands, said


async def test_help_lists_the_commands() -> None:
    _, _, said = await run("/help")
    assert said == [HELP]


async def test_a_ping_tells_the_round_trip() -> None:
    _, _, said = await run("/ping")
    assert said[0].startswith("pong after ") and said[0].endswith(" ms")


async def test_a_ping_that_the_end_overtakes_tells_nothing() -> None:
    notes = Notes()
    async with trunkline.serve(idle, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with trunkline.connect(f"ws://127.0.0.1:{port}") as ws:
            commands = Commands(ws, notes)
            commands.run("/ping")
            ws.abort()
    assert notes.queue.empty()


@pytest.mark.parametrize(
    ("line", "code", "reason"),
    [
        ("/close", 1000, ""),
        ("/close ", 1000, ""),
        ("/close 4001", 4001, ""),
        ("/close 4001 good bye", 4001, "good bye"),
    ],
)
async def test_close_takes_code_and_reason(line: str, code: int, reason: str) -> None:
    ws, commands, _ = await run(line)
    assert commands.close_code == code
    assert (ws.close_code, ws.close_reason) == (code, reason)
    assert ws.closed().closer is trunkline.Closer.LOCAL


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/close soon", "'soon' is not a close code; write /close [CODE [REASON]]"),
        ("/close 1006", "1006 must not be sent"),
        ("/close 4000 " + "x" * 124, "limit 123"),
        ("/nope a", "there is no command /nope; /help lists them"),
    ],
)
async def test_what_cannot_be_done_is_said(line: str, words: str) -> None:
    _, commands, said = await run(line)
    assert words in said[0]
    assert commands.close_code is None


async def test_an_ended_connection_takes_no_ping() -> None:
    _, commands, _ = await run("/close")
    with pytest.raises(trunkline.ConnectionClosed):
        commands.run("/ping")
