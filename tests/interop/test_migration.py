"""Programs written for the `websockets` library run after a change of their import.

Each program has a server and a client. They are tried in all four combinations, so what is
expected is what `websockets` does.
"""

import asyncio
import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.interop.meeting import HANG_GUARD, HOST
from trunkline import Backoff

PROGRAMS = sorted(Path(__file__).with_name("programs").glob("*.py"))
LIBRARIES = ["websockets", "trunkline"]


def load(program: Path, library: str) -> dict[str, Any]:
    """Run `program` with its import changed to that of `library`."""
    source = program.read_text()
    source, plain = re.subn(
        r"^import websockets$", f"import {library} as websockets", source, flags=re.MULTILINE
    )
    source = re.sub(
        r"^from websockets import", f"from {library} import", source, flags=re.MULTILINE
    )
    assert plain == 1
    names: dict[str, Any] = {"__name__": program.stem}
    exec(compile(source, str(program), "exec"), names)
    return names


@pytest.fixture(autouse=True)
def no_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Come back at once: `websockets` does, and we draw a delay of up to a second."""
    monkeypatch.setattr("trunkline.client.connect.Backoff", partial(Backoff, first=0))


@pytest.mark.parametrize("client", LIBRARIES)
@pytest.mark.parametrize("server", LIBRARIES)
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
async def test_a_program_does_the_same_with_either_library(program: Path, server: str, client: str):
    serving, calling = load(program, server), load(program, client)
    async with asyncio.timeout(HANG_GUARD), serving["server"]() as listening:
        port = listening.sockets[0].getsockname()[1]
        heard = await calling["client"](f"ws://{HOST}:{port}/")
    assert heard == calling["EXPECTED"]
