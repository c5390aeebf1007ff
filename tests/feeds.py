"""Feeds of a room on the test's store."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from rooms import TestRoom, make_room, writing

from productflo.server.feed import Feed
from productflo.server.reconcile import Reconciler
from productflo.service.clock import system_clock
from productflo.store.keys import RoomKeys
from productflo.store.log import Log
from productflo.store.rooms import Rooms

LAB = RoomKeys("lab")


@pytest.fixture
async def log(redis: Redis) -> AsyncIterator[Log]:
    """A log that commits."""
    async with writing(redis) as log:
        yield log


@pytest.fixture
async def lab(redis: Redis, log: Log) -> TestRoom:
    """A room of ada and bob."""
    return await make_room(redis, log, "lab", people=("ada", "bob"), assistants=())


@pytest.fixture
def reconciler(redis: Redis, log: Log) -> Reconciler:
    """On the test's store."""
    return Reconciler(Rooms(redis), log, system_clock)


async def say(room: TestRoom, count: int) -> None:
    """Say so many things."""
    await asyncio.gather(*(room.say("ada", f"{number}") for number in range(count)))


async def feed_of(redis: Redis, name: str = "lab") -> Feed:
    """A feed that stands where its room does."""
    [state] = await Rooms(redis).states([(name, "", 0)])
    assert state is not None
    assert not isinstance(state, Exception)
    feed = Feed(name)
    feed.start(state.position.generation, state.position.last_seq, state.leaves)
    return feed


async def calls(redis: Redis, *commands: str) -> int:
    """How often the store was asked so."""
    stats: dict[str, dict[str, int]] = await redis.info("commandstats")
    return sum(stats.get(f"cmdstat_{command}", {"calls": 0})["calls"] for command in commands)
