import os

from tests.app.serving import make_app
from trunkline.app.peers import Peers


async def test_alone_there_is_one_snapshot_and_nobody_else_to_disconnect() -> None:
    peers = Peers(make_app())
    peers.disconnect("ann", 3503, "")
    assert await peers.snapshots() == [{"pid": os.getpid(), "connections": 0}]
