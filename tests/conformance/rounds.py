"""Rounds: some of the suite's cases against one endpoint of ours."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from kosoku import FailureError, FuzzingServer, run_fuzzingclient, run_fuzzingserver
from kosoku._kosoku import CaseResult

from tests.conformance.certificate import contexts
from tests.conformance.echo import (
    FORGETTING_CONTEXT,
    HOST,
    KEEPING_CONTEXT,
    Style,
    echo_client,
    echo_server,
)
from tests.conformance.mending import mend
from tests.conformance.outcomes import Outcome, is_late, outcome_of
from tests.conformance.relay import relay_to
from trunkline import Deflate, connect
from trunkline.protocol.role import Role

AGENT = "trunkline"
ROUND_SECONDS = 3600
"""A guard against hanging: ten times what the longest round takes."""

REPLAYS = 3
"""How often a case that was late may be played again."""

RULES = ("1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*")
RULES_CONCURRENCY = 8
"""These cases wait more than they work."""
LARGE = ("9.*",)

# RFC 7692 §7.1.1.2: there the suite's server asks the client to forget, if the client offers it.
FORGETFUL = ("13.2.", "13.5.", "13.6.", "13.7.")


@dataclass(frozen=True, slots=True)
class Round:
    """What is played: which side we are, over what, written how, and with which cases.

    `cases` are ids, or patterns with `*` at the end; `concurrency` is how many run at a time.
    """

    role: Role
    is_tls: bool
    style: Style
    cases: tuple[str, ...]
    concurrency: int = 1

    @property
    def scheme(self) -> str:
        """Scheme of our side's address."""
        return "wss" if self.is_tls else "ws"

    def __str__(self) -> str:
        return f"{self.role.value} {self.scheme} {self.style.value} {','.join(self.cases)}"


async def play(round: Round) -> list[Outcome]:
    """Play a round, and give the outcome of every case.

    A case that went wrong when it had stopped waiting is played again, alone: most wait for one
    second, and a machine that is busy with something else can be later than that. A wrong answer
    that comes in time is final.

    Raises:
        TimeoutError: it hangs.
    """
    mend()
    async with asyncio.timeout(ROUND_SECONDS):
        outcomes = await play_once(round)
        for _ in range(REPLAYS):
            late = tuple(outcome.case for outcome in outcomes if is_late(outcome))
            if not late:
                break
            print(f"late, played again: {' '.join(late)}", file=sys.stderr)
            again = await play_once(replace(round, cases=late, concurrency=1))
            outcomes = [outcome for outcome in outcomes if outcome.case not in late] + again
    return outcomes


async def play_once(round: Round) -> list[Outcome]:
    """Play a round, and take the verdicts as they come."""
    face = face_client if round.role is Role.SERVER else face_server
    try:
        results = await face(round)
    except FailureError as failure:
        results = failure.results
    return [outcome_of(round.role, result) for result in results]


# Our server, and kosoku as its client


async def face_client(round: Round) -> Sequence[CaseResult]:
    """Let kosoku connect to our server."""
    async with AsyncExitStack() as stack:
        server = echo_server(round.style, contexts().server if round.is_tls else None)
        await stack.enter_async_context(server)
        port = server.sockets[0].getsockname()[1]
        if round.is_tls:
            port = await stack.enter_async_context(relay_to(port, dial=contexts().client))
        uri = f"ws://{HOST}:{port}/"
        return await run_fuzzingclient(uri, round.cases, concurrency=round.concurrency)


# Our client, and kosoku as its server


async def face_server(round: Round) -> Sequence[CaseResult]:
    """Connect to kosoku once for each case."""
    suite = run_fuzzingserver(round.cases, port=0)
    async with suite:
        async with address_of(suite, round) as uri:
            await connect_for_each_case(uri, round)
        results = await suite.get_result()
    return results


@asynccontextmanager
async def address_of(suite: FuzzingServer, round: Round) -> AsyncIterator[str]:
    """Give the address at which our client finds the suite."""
    async with AsyncExitStack() as stack:
        port = suite.port
        if round.is_tls:
            port = await stack.enter_async_context(relay_to(port, accept=contexts().server))
        yield f"{round.scheme}://{HOST}:{port}"


async def connect_for_each_case(uri: str, round: Round) -> None:
    """Ask how many cases there are, take each, and ask for the verdicts."""
    tls = contexts().client if round.is_tls else None
    turns = asyncio.Semaphore(round.concurrency)

    async def take(number: int) -> None:
        async with turns:
            case = f"{uri}/runCase?case={number}&agent={AGENT}"
            await echo_client(case, round.style, tls, deflate_for(round.cases))

    async with connect(f"{uri}/getCaseCount", ssl=tls) as ws:
        count = int(await ws.recv())
    async with asyncio.TaskGroup() as group:
        for number in range(1, count + 1):
            group.create_task(take(number))
    async with connect(f"{uri}/updateReports?agent={AGENT}", ssl=tls) as ws:
        await ws.wait_closed()


def deflate_for(cases: Sequence[str]) -> Deflate:
    """Give what our client must offer so that these cases have their subject."""
    is_forgetful = all(case.startswith(FORGETFUL) for case in cases)
    return FORGETTING_CONTEXT if is_forgetful else KEEPING_CONTEXT
