import os

from tests.app.serving import make_app
from trunkline.app.running.peers import Peers


async def test_alone_there_is_one_snapshot_and_nobody_else_to_disconnect() -> None:
    peers = Peers(make_app())
    peers.disconnect("ann", 3503, "")
    (alone,) = await peers.snapshots()
    assert (alone["pid"], alone["connections"], alone["worker"]) == (os.getpid(), 0, 1)
