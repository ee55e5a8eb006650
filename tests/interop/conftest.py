"""The peers, and the roles they play."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.interop.aiohttp_peer import AiohttpPeer
from tests.interop.certificate import Certificate
from tests.interop.node_peer import NodePeer, NodeProcess, what_is_missing
from tests.interop.peers import Peer
from tests.interop.tap import Tap
from tests.interop.websockets_peer import WebsocketsPeer
from trunkline.protocol.role import Role


@pytest.fixture(scope="session")
def node() -> Iterator[NodeProcess]:
    """Node, started once."""
    missing = what_is_missing()
    if missing is not None:
        pytest.fail(missing, pytrace=False)
    process = NodeProcess()
    yield process
    process.stop()


@pytest.fixture(scope="session")
def certificate() -> Certificate:
    """The certificate of every server."""
    return Certificate()


@pytest.fixture(params=["websockets", "aiohttp", "node"])
def peer(request: pytest.FixtureRequest) -> Peer:
    """Each implementation in turn."""
    if request.param == "node":
        return NodePeer(request.getfixturevalue("node"))
    return WebsocketsPeer() if request.param == "websockets" else AiohttpPeer()


@pytest.fixture(params=Role, ids=lambda role: f"as_{role.value}")
def role(request: pytest.FixtureRequest) -> Role:
    """The role that the peer plays."""
    return request.param


@pytest.fixture
async def tap() -> AsyncIterator[Tap]:
    """A relay that listens in."""
    async with Tap() as tap:
        yield tap
