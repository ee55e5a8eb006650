from tests.cli.doctor.targets import target_at
from tests.client.scripted import hang, scripted
from trunkline.cli.doctor.probes.reply import Reply


async def test_a_target_can_be_visited_again_and_again() -> None:
    async with scripted(hang) as port:
        target = await target_at(port)
        for _ in range(2):
            stream = await target.route.open(Reply(target.limits))
            stream.abort()
