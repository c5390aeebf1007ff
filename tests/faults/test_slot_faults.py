"""A limit of answers at the same time, while the worker that answers is killed."""

import asyncio
from pathlib import Path

from answers import finished
from faults.quick_workers import worker
from model_server import Exchange, ModelServer
from processes import kill
from redis.asyncio import Redis
from rooms import PATIENCE, listening, make_room, writing

ONE_SLOT = ("--says", "asks", "--at-once", "1", "--lease", "2", "--idle", "3")
ROUND = 1.0
"""Seconds in which workers have swept, and asked for a slot, several times."""


def pid(exchange: Exchange) -> int:
    """Who asks."""
    return int(exchange.body["messages"][-1]["content"].split()[0])


async def test_a_killed_workers_slot_is_anothers(tmp_path: Path, redis: Redis, store_url: str) -> None:
    """One room at a time by two workers: the second waits for the dead one's lease, and then answers both."""
    async with (
        ModelServer() as server,
        writing(redis) as log,
        worker(tmp_path, store_url, *ONE_SLOT, MODEL=server.url) as one,
        worker(tmp_path, store_url, *ONE_SLOT, MODEL=server.url) as two,
        listening(redis, "lab") as lab,
        listening(redis, "hall") as hall,
    ):
        await one.says("at work")
        await two.says("at work")
        rooms = [await make_room(redis, log, name) for name in ("lab", "hall")]
        for room in rooms:
            await room.say("ada", "hello", wake=["echo"])
        first = await server.asked()
        await lab.quiet(ROUND)
        assert server.exchanges == [first]
        kill(pid(first))
        async with asyncio.timeout(PATIENCE):
            await first.disconnected.wait()
        for count in (2, 3):
            exchange = await server.asked()
            assert pid(exchange) != pid(first)
            await lab.quiet(ROUND)
            assert len(server.exchanges) == count
            await exchange.say("yes")
            await exchange.finish()
        await lab.until(finished())
        await hall.until(finished())
        assert [len(await room.answers()) for room in rooms] == [1, 1]
