"""How many may come: each limit where it is reached, and one above; and nothing is kept after."""

import asyncio
import logging
from contextlib import AsyncExitStack
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.app.judge import Judge
from tests.app.premises import (
    Witness,
    ask_from,
    caller,
    echo,
    echoing,
    get,
    new_app,
    opening,
    serving,
    texts,
    uri_of,
)
from tests.auth.openings import NOW
from trunkline import Limits, connect
from trunkline.app.admission.step import Step
from trunkline.app.app_server import AppServer
from trunkline.limits import FULL_RETRY_AFTER, Rate


class Crowd:
    """Connections that are held open, one after the other."""

    def __init__(self, server: AppServer, stack: AsyncExitStack) -> None:
        self._server = server
        self._stack = stack

    async def joins(self, data: bytes = opening("/echo"), source: str = "127.0.0.1") -> int:
        """Give the status of one more, who stays."""
        reader, _ = await self._stack.enter_async_context(caller(self._server, data, source=source))
        return int((await reader.readuntil(b"\r\n\r\n")).split()[1])


def counts(server: AppServer) -> tuple[int, int, int]:
    crowd = server.service.crowd
    return len(crowd), len(crowd.addresses), len(crowd.users)


async def emptied(server: AppServer) -> None:
    """Wait until nobody is counted any more."""
    async with asyncio.timeout(20):
        while counts(server) != (0, 0, 0) or server.service._users:
            await asyncio.sleep(0.001)


async def test_a_process_has_so_many_connections() -> None:
    app = echoing(limits=Limits(max_connections=2))
    witness = Witness(app)
    async with serving(app) as server:
        async with AsyncExitStack() as stack:
            crowd = Crowd(server, stack)
            assert [await crowd.joins(), await crowd.joins(source="127.0.0.2")] == [101, 101]
            refused = await ask_from(server, opening("/echo"), "127.0.0.3")
        await emptied(server)
        assert (await ask_from(server, get("/health"))).status_code == 200
    assert (refused.status_code, refused.body) == (503, b"3 connections, limit 2\n")
    assert refused.headers["Retry-After"] == str(FULL_RETRY_AFTER)
    assert witness.refusals == [(Step.ARRIVAL, 503, "3 connections, limit 2")]


async def test_an_address_has_so_many_connections() -> None:
    app = echoing(limits=Limits(max_connections_per_address=2))
    async with serving(app) as server:
        async with AsyncExitStack() as stack:
            crowd = Crowd(server, stack)
            assert [await crowd.joins() for _ in range(2)] == [101, 101]
            refused = await ask_from(server, b"")
            assert await crowd.joins(source="127.0.0.2") == 101
        await emptied(server)
    assert refused.status_code == 429
    assert refused.body == b"3 connections from this address, limit 2\n"


def forwarded(address: str) -> bytes:
    return opening("/echo", ("X-Forwarded-For", address))


def announced(address: str) -> bytes:
    family, own = ("TCP6", "::1") if ":" in address else ("TCP4", "127.0.0.1")
    return f"PROXY {family} {address} {own} 4000 80\r\n".encode() + opening("/echo")


@pytest.mark.parametrize(("tell", "by_protocol"), [(forwarded, False), (announced, True)])
async def test_behind_a_trusted_proxy_the_client_counts(tell: Any, by_protocol: bool) -> None:
    app = echoing(
        limits=Limits(max_connections_per_address=2),
        trusted_proxies=["127.0.0.1"],
        proxy_protocol=by_protocol,
    )
    async with serving(app) as server:
        async with AsyncExitStack() as stack:
            crowd = Crowd(server, stack)
            for first, second, third, other in (
                ("192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2"),
                # One customer has a whole /64 of them.
                ("2001:db8::1", "2001:db8::2", "2001:db8::ffff:0:0:1", "2001:db8:0:1::1"),
                # And IPv4 is IPv4 in the clothes of IPv6, too.
                ("192.0.2.9", "::ffff:192.0.2.9", "192.0.2.9", "192.0.2.10"),
            ):
                status = [await crowd.joins(tell(each)) for each in (first, second, third, other)]
                assert status == [101, 101, 429, 101]
        await emptied(server)


async def test_a_proxy_itself_is_not_counted_before_it_has_said_for_whom() -> None:
    app = echoing(limits=Limits(max_connections_per_address=1), trusted_proxies=["127.0.0.1"])
    async with serving(app) as server:
        async with caller(server), caller(server), caller(server):
            assert counts(server) == (0, 0, 0)
            assert (await ask_from(server, forwarded("a b"))).status_code == 400
        # Who comes from a trusted address, and for nobody, is counted by it.
        async with AsyncExitStack() as stack:
            crowd = Crowd(server, stack)
            assert [await crowd.joins() for _ in range(2)] == [101, 429]
        await emptied(server)


async def test_a_user_has_so_many_connections() -> None:
    app = echoing(auth=Judge(), limits=Limits(max_connections_per_user=2))
    witness = Witness(app)
    async with serving(app) as server:
        async with AsyncExitStack() as stack:
            crowd = Crowd(server, stack)
            ann, bob = (
                opening("/echo", ("Authorization", f"Bearer t.{user}")) for user in ("ann", "bob")
            )
            assert [await crowd.joins(ann, f"127.0.0.{number}") for number in (1, 2)] == [101, 101]
            refused = await ask_from(server, ann, "127.0.0.3")
            assert await crowd.joins(bob) == 101
        await emptied(server)
    assert refused.status_code == 429
    assert refused.body == b"3 connections by this user, limit 2\n"
    assert witness.refusals == [(Step.USER, 429, "3 connections by this user, limit 2")]


async def test_a_user_who_says_so_in_the_first_message_is_counted_then() -> None:
    app = echoing(auth=Judge(), limits=Limits(max_connections_per_user=1))
    witness = Witness(app)
    async with serving(app) as server:
        async with caller(server, opening("/echo") + texts("t.ann")) as (reader, _):
            await reader.readuntil(b'"ok"')
            async with caller(server, opening("/echo") + texts("t.ann")) as (late, _):
                await late.readuntil(b"2 connections by this user, limit 1")
        await emptied(server)
        async with caller(server, opening("/echo") + texts("t.ann")) as (reader, _):
            await reader.readuntil(b'"ok"')
        await emptied(server)
    assert witness.refusals == [(Step.USER, 429, "2 connections by this user, limit 1")]


async def test_an_address_opens_so_many_connections_in_a_time() -> None:
    app = echoing(limits=Limits(handshake_rate=Rate(1, per=1_000.0, burst=3)))
    witness = Witness(app)
    async with serving(app) as server:
        answers = [await ask_from(server, get("/health")) for _ in range(4)]
        other = await ask_from(server, get("/health"), "127.0.0.2")
        await emptied(server)
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert other.status_code == 200
    assert 0 < int(answers[3].headers["Retry-After"]) <= 1_000
    assert b"too many handshakes from this address, limit 1 in 1000 s, 3 at once" in answers[3].body
    assert witness.refusals[0][:2] == (Step.ARRIVAL, 429)


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("max_connections", 503),
        ("max_connections_per_address", 429),
        ("max_connections_per_user", 429),
        ("handshake_rate", 429),
    ],
)
async def test_every_limit_is_on_by_default(name: str, status: int) -> None:
    """Fill up what the default allows, and find one more refused."""
    app = echoing(auth=Judge())
    default = getattr(app.policy.limits, name)
    async with serving(app) as server:
        crowd, handshakes = server.service.crowd, server.service.handshakes
        assert handshakes is not None
        for number in range(default.burst if name == "handshake_rate" else default):
            if name == "max_connections":
                crowd.enter(f"192.0.2.{number}")
            elif name == "max_connections_per_address":
                crowd.enter("127.0.0.1")
            elif name == "max_connections_per_user":
                crowd.identify("ann")
            else:
                handshakes.admit("127.0.0.1", FAR_AWAY)
        data = opening("/echo", ("Authorization", "Bearer t.ann"))
        assert (await ask_from(server, data)).status_code == status
        assert (await ask_from(server, data.replace(b"t.ann", b"t.bob"))).status_code == (
            101 if name == "max_connections_per_user" else status
        )


FAR_AWAY = 1e12
"""A point in time at which a bucket is emptied, as seen from now."""


# Whatever comes and goes, in whatever order: nobody is counted who is not there

ARRIVALS = {
    "open": opening("/echo", ("Authorization", "Bearer t.ann")),
    "other": opening("/echo", ("Authorization", "Bearer t.bob")),
    "first": opening("/echo") + texts("t.ann"),
    "first wrong": opening("/echo") + texts("t.nobody.-5"),
    "first broken": opening("/echo") + texts("t.broken"),
    "no token": opening("/echo") + texts("hello"),
    "silent": opening("/echo"),
    "nothing": b"",
    "half": opening("/echo")[:40],
    "malformed": b"\x00",
    "nowhere": opening("/nowhere"),
    "evil": opening("/echo", ("Origin", "https://evil.com")),
    "wrong": opening("/echo", ("Authorization", "Bearer t.")),
    "page": get("/page", Authorization="Bearer t.ann"),
    "broken page": get("/broken", Authorization="Bearer t.ann"),
    "body": get("/page", "POST", b"x" * 100),
    "unmade": opening("/unmade", ("Authorization", "Bearer t.ann")),
    "failing": opening("/failing", ("Authorization", "Bearer t.ann")),
    "unfit": opening("/failing", ("Authorization", "Bearer t.ann")) + b"\xff\xff\xff\xff",
}
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(sorted(ARRIVALS)), st.sampled_from(["127.0.0.1", "127.0.0.2"])),
        st.tuples(st.sampled_from(["cut", "bye", "disconnect"]), st.integers(0, 7)),
    ),
    max_size=12,
)


def crowded() -> Any:
    limits = Limits(
        max_connections=5,
        max_connections_per_address=4,
        max_connections_per_user=2,
        handshake_rate=Rate(1, per=1_000.0, burst=9),
    )
    app = echoing(auth=Judge(), limits=limits, logger=silent())
    app.get("/page", auth=Judge())(lambda request: "page")
    app.get("/broken", auth=Judge())(lambda request: 1 / 0)
    app.websocket("/unmade")(lambda request: None)
    app.websocket("/failing")(failing)
    return app


def silent() -> Any:
    logger = logging.Logger("silent")
    logger.addHandler(logging.NullHandler())
    return logger


async def failing(ws: Any) -> None:
    raise RuntimeError("a mistake")


async def play(steps: list[tuple[str, Any]]) -> None:
    app = crowded()
    async with serving(app) as server:
        server.service.now = lambda: NOW
        writers: list[asyncio.StreamWriter] = []
        for what, detail in steps:
            if what == "disconnect":
                app.disconnect("ann")
            elif what in ("cut", "bye"):
                if writers:
                    end(writers[detail % len(writers)], what)
            else:
                writers.append(await arrive(server, ARRIVALS[what], detail))
            await asyncio.sleep(0.001)
            limits, crowd = app.policy.limits, server.service.crowd
            assert 0 <= len(crowd) <= limits.max_connections
            for address in ("127.0.0.1", "127.0.0.2"):
                assert crowd.addresses.of(address) <= limits.max_connections_per_address
            assert crowd.users.of("ann") <= limits.max_connections_per_user
        for writer in writers:
            writer.transport.abort()
        await emptied(server)
        assert not server.connections


def end(writer: asyncio.StreamWriter, how: str) -> None:
    if how == "cut":
        writer.transport.abort()
    elif not writer.is_closing():
        writer.close()


async def arrive(server: AppServer, data: bytes, source: str) -> asyncio.StreamWriter:
    port = server.sockets[0].getsockname()[1]
    _, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    writer.write(data)
    return writer


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
async def test_counters_return_to_zero_after_all_kinds_of_ends(
    steps: list[tuple[str, Any]],
) -> None:
    await play(steps)


async def test_every_kind_of_arrival_and_end_leaves_nothing_behind() -> None:
    for name in ARRIVALS:
        await play([(name, "127.0.0.1"), (name, "127.0.0.1"), ("cut", 0), ("bye", 1)])
    await play([("open", "127.0.0.1"), ("first", "127.0.0.1"), ("disconnect", 0)])


async def test_a_goodbye_gives_a_place_back() -> None:
    app = new_app(auth=Judge(), limits=Limits(max_connections=1, max_connections_per_user=1))
    app.websocket("/")(echo)
    witness = Witness(app)
    async with serving(app) as server:
        headers = {"Authorization": "Bearer t.ann"}
        for count in (1, 2, 3):
            async with connect(uri_of(server), additional_headers=headers):
                assert counts(server) == (1, 1, 1)
            await witness.sees("left", count)
            assert counts(server) == (0, 0, 0)
