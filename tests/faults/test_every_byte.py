"""The same conversation, broken at every byte of it in every way."""

import pytest

from tests.faults.exchange import GREETING, MESSAGES, PAIRS, Diary, Pair
from tests.faults.fault_proxy import FAULTS, Course, Fault, broken_after
from tests.faults.stage import Stage
from tests.faults.verdict import judge
from trunkline.protocol.role import Role


async def measure(stage: Stage, sender: Role) -> int:
    """Hold the conversation unharmed, and count the bytes of one direction."""
    up, down = Course(), Course()
    client, server = await stage.converse(up, down)
    assert server is not None
    assert (client.messages, server.messages) == (["".join(GREETING), *MESSAGES], MESSAGES)
    return (up if sender is Role.CLIENT else down).passed_bytes


@pytest.mark.parametrize("sender", Role, ids=lambda role: f"from_{role.value}")
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.value)
@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
async def test_a_fault_at_any_byte_ends_both_sides_in_time(
    pair: Pair, fault: Fault, sender: Role
) -> None:
    diary = Diary()
    async with pair.serving(diary) as server:
        stage = Stage(pair, server, diary, judge)
        size = await measure(stage, sender)
        places = range(size)
        assert await stage.converse_each(broken_after(places, fault, sender)) == size
