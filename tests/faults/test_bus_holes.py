"""What Pub/Sub drops is read from the log: live subscribers miss nothing and hear nothing twice."""

from pathlib import Path

from faults.deployment import deployed
from faults.traffic import talking

from productflo.store.connect import open_redis


async def test_the_bus_is_cut_in_the_midst_of_traffic(tmp_path: Path) -> None:
    """Ten times, while everybody's own connection stays: every reader hears each event once and in order."""
    async with deployed(tmp_path) as deployment, open_redis(deployment.redis_url) as redis:
        async with talking(deployment.server) as traffic:
            for _ in range(10):
                await traffic.goes_on(30)
                assert await redis.client_kill_filter(_type="pubsub") >= 1
            await traffic.goes_on(30)
            assert await traffic.problems() == []
        assert {one.connections for one in traffic.people} == {1}
        assert [one.gaps for one in traffic.people if one.gaps] == []


async def test_the_last_word_before_a_cut_is_heard_without_a_next_one(tmp_path: Path) -> None:
    """No later event tells of what was published while the bus was cut: the new listening finds it."""
    async with (
        deployed(tmp_path) as deployment,
        open_redis(deployment.redis_url) as redis,
        deployment.server.client("ada") as ada,
        deployment.server.client("bob") as bob,
    ):
        await bob.join("room")
        for number in range(20):
            await redis.client_kill_filter(_type="pubsub")
            await ada.chat("room", f"word {number}")
            await bob.until("chat_response", message=f"word {number}")
        seqs = [one["data"]["seq"] for one in bob.heard if one["code"] == "chat_response"]
        assert seqs == list(range(1, 21))
