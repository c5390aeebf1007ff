"""The server on a real Redis Cluster of three masters with replicas: moved slots, and a master that dies."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from chatting import Server, web_process
from faults.traffic import talking
from rooms import make_room, writing
from topologies import TestCluster, redis_cluster

from productflo.store.connect import open_redis
from productflo.store.keys import RoomKeys
from productflo.store.retention import Retention, Sweep

ROOMS = ("one", "two", "three")
OTHER_ROOMS = ("red", "blue", "green")
"""Each on another of the masters."""
REVISED_ROOMS = ("ONE", "TWO", "THREE")
AT_ONCE = 5.0
"""Seconds; what is not found is tried for 30."""
NAMES = ("alpha", "beta", "south")


@pytest.fixture(scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestCluster]:
    async with redis_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
async def server(cluster: TestCluster, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    env = {
        "REDIS_URL": cluster.url,
        "PRODUCTFLO_DURABILITY": "replicated",
        "PRODUCTFLO_DEFAULT_ASSISTANTS": ",",
    }
    async with web_process(tmp_path_factory.mktemp("web"), **env) as server:
        yield server


async def test_a_moved_slot_is_not_noticed(cluster: TestCluster, server: Server) -> None:
    """By those who write to its room, or listen to it: nothing lost, doubled or out of order."""
    assert len({(await cluster.master_of(f"{{{room}}}:log")).port for room in ROOMS}) == len(ROOMS)
    async with talking(server, ROOMS) as traffic:
        await traffic.goes_on()
        for room in ROOMS:
            await cluster.move_slot(f"{{{room}}}:log")
            await traffic.goes_on()
        assert await traffic.problems() == []
        assert {one.connections for one in traffic.people} == {1}


async def test_messages_are_changed_and_forgotten_on_every_master(
    cluster: TestCluster, server: Server
) -> None:
    """Read as they are now, by who pages and who resumes; the sweep finds the rooms of all shards."""
    async with server.client("cora") as cora:
        for room in REVISED_ROOMS:
            await cora.chat(room, "helo", message_id="m1")
            await cora.chat(room, "secret", message_id="m2")
            await cora.say("edit", room, message_id="m1", message="hello")
            await cora.say("delete", room, message_id="m2")
            await cora.until("delete", room_id=room)
            await cora.say("historic", room)
            page = (await cora.until("historic_response", room_id=room))["data"]["messages"]
            assert [one["message"] for one in page] == ["hello", ""]
            await cora.join(room, since=0)
            told = [await cora.next() for _ in range(4)]
            assert [one["data"].get("message") for one in told] == ["hello", "", "hello", None]
    async with open_redis(cluster.url) as redis:
        await Sweep(redis, Retention(events=1)).sweep()
        for room in REVISED_ROOMS:
            assert await redis.xlen(RoomKeys(room).log) == 1


async def test_appends_find_a_moved_slot_by_themselves(cluster: TestCluster) -> None:
    """Where nothing else of the process asks the Cluster for anything."""
    async with open_redis(cluster.url) as redis, writing(redis) as log:
        room = await make_room(redis, log, "west")
        await room.say("ada", "before")
        await cluster.move_slot("{west}:log")
        await asyncio.wait_for(room.say("ada", "after"), AT_ONCE)
        assert [data["message"] for data in await room.said()] == ["before", "after"]


async def test_a_master_that_dies_is_succeeded(cluster: TestCluster, server: Server) -> None:
    """Its rooms wait for the fail-over, the others go on; nothing that was acknowledged is lost."""
    async with talking(server, OTHER_ROOMS) as traffic:
        await traffic.goes_on()
        dead = await cluster.master_of("{blue}:log")
        await dead.kill()
        async with server.client("dora") as dora:
            for room in NAMES:
                if await cluster.master_of(f"{{{room}}}:log") is not dead:
                    await dora.chat(room, "meanwhile")
        await cluster.taken_over(dead)
        await dead.start()  # As a replica, without which nothing could be replicated.
        await traffic.goes_on()
        assert await traffic.problems() == []
        assert {one.connections for one in traffic.people} == {1}
