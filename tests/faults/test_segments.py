"""However TCP cuts the bytes, the conversation is the same."""

import pytest

from tests.faults.exchange import GREETING, MESSAGES, PAIRS, Diary, Pair
from tests.faults.fault_proxy import HOST, Course, FaultProxy
from tests.server.wire import port_of
from trunkline import ConnectionClosedOK


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
@pytest.mark.parametrize("segment_bytes", [1, 2, 3, 7])
async def test_short_segments_change_nothing(pair: Pair, segment_bytes: int) -> None:
    diary = Diary()
    up, down = Course(segment_bytes=segment_bytes), Course(segment_bytes=segment_bytes)
    async with (
        pair.serving(diary) as server,
        FaultProxy(port_of(server), up=up, down=down) as proxy,
    ):
        client = await pair.talk(f"ws://{HOST}:{proxy.port}/")
        record = diary.records["/"]
        await record.ended.wait()
    assert client.messages == ["".join(GREETING), *MESSAGES]
    assert record.messages == MESSAGES
    for course in (up, down):
        assert max(len(data) for _, data in course.segments) == segment_bytes
    for side in (client, record):
        assert side.close_event in (None, (1000, "goodbye", True))
        assert side.closed is None or isinstance(side.closed, ConnectionClosedOK)
