"""The server on a real Redis Cluster of three masters with replicas: moved slots, and a master that dies."""

from collections.abc import AsyncIterator

import pytest
from chatting import Server, web_process
from faults.traffic import talking
from topologies import TestCluster, redis_cluster

ROOMS = ("one", "two", "three")
OTHER_ROOMS = ("red", "blue", "green")
"""Each on another of the masters."""
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
