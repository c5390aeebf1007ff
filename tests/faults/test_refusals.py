"""Each way in which a store that is there refuses, caused on a real one: nothing is lost or doubled."""

import asyncio
import resource
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from chatting import Server, web_process
from faults.traffic import Traffic, talking
from redis.exceptions import BusyLoadingError
from topologies import QUICK, Node, free_ports, nodes, until

OPTIONS = ("--appendonly", "yes", "--appendfsync", "everysec", "--enable-protected-configs", "yes", *QUICK)


@pytest.fixture(scope="module")
async def store(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Node]:
    async with nodes(tmp_path_factory.mktemp("store"), OPTIONS) as (store,):
        yield store


@pytest.fixture(scope="module")
async def server(store: Node, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    env = {
        "REDIS_URL": f"redis://127.0.0.1:{store.port}",
        "PRODUCTFLO_DURABILITY": "fast",
        "PRODUCTFLO_DEFAULT_ASSISTANTS": ",",
    }
    async with web_process(tmp_path_factory.mktemp("web"), **env) as server:
        yield server


@pytest.fixture
async def traffic(server: Server) -> AsyncIterator[Traffic]:
    """Traffic in rooms of its own; after the test it goes on, and everything is as it was acknowledged."""
    rooms = [f"room_{uuid4().hex[:8]}" for _ in range(2)]
    async with talking(server, rooms) as traffic:
        await traffic.goes_on()
        yield traffic
        await traffic.goes_on()
        assert await traffic.problems() == []
        assert {one.connections for one in traffic.people} == {1}
        assert not any(one.gaps for one in traffic.people)


async def told(traffic: Traffic, code: str) -> None:
    """Return when a writer was told so."""
    await traffic.load.changes.until(lambda: any(writer.told[code] for writer in traffic.writers))


async def test_no_script(traffic: Traffic, store: Node) -> None:
    """NOSCRIPT: the server forgets its scripts, again and again."""
    for _ in range(5):
        await store.redis.script_flush()
        await traffic.goes_on(20)
    assert not any(writer.told for writer in traffic.writers)


async def test_out_of_memory(traffic: Traffic, store: Node, server: Server) -> None:
    """OOM: messages are refused as STORE_FULL, and can be read; with more memory everything goes on."""
    await store.redis.config_set("maxmemory", 1_000_000)
    try:
        await told(traffic, "STORE_FULL")
        async with server.client(traffic.readers[0].user) as reader:
            await reader.say("historic", next(iter(traffic.readers[0].places)))
            assert (await reader.until("historic_response"))["data"]["messages"]
    finally:
        await store.redis.config_set("maxmemory", 0)


async def test_a_disk_that_takes_no_snapshot(traffic: Traffic, store: Node) -> None:
    """MISCONF: the server refuses writes until it has saved."""
    folder = (await store.redis.config_get("dir"))["dir"]
    await store.redis.config_set("save", "3600 1000000")
    await store.redis.config_set("dir", "/proc")
    try:
        await store.redis.bgsave()
        await until(lambda: saved(store, "err"))
        await told(traffic, "STORE_AWAY")
    finally:
        await store.redis.config_set("dir", folder)
        await store.redis.bgsave()
        await until(lambda: saved(store, "ok"))
        await store.redis.config_set("save", "")


async def saved(store: Node, status: str) -> bool:
    info = await store.redis.info("persistence")
    return bool(info["rdb_last_bgsave_status"] == status and not info["rdb_bgsave_in_progress"])


async def test_a_full_disk(traffic: Traffic, store: Node) -> None:
    """MISCONF: the append-only file can grow no more, as on a full disk."""
    info = await store.redis.info("persistence")
    unlimited = resource.RLIM_INFINITY
    resource.prlimit(store.pid, resource.RLIMIT_FSIZE, (info["aof_current_size"] + 1000, unlimited))
    try:
        await told(traffic, "STORE_AWAY")
    finally:
        resource.prlimit(store.pid, resource.RLIMIT_FSIZE, (unlimited, unlimited))


async def test_a_master_that_is_made_a_replica(traffic: Traffic, store: Node) -> None:
    """READONLY, under the connections of its clients; as long as it is one."""
    (nobody,) = free_ports(1)
    await store.redis.replicaof("127.0.0.1", nobody)
    try:
        await told(traffic, "STORE_AWAY")
    finally:
        await store.redis.replicaof("NO", "ONE")


async def test_a_store_that_loads(traffic: Traffic, store: Node) -> None:
    """LOADING: it was killed, and reads its file for a while before it answers."""
    commands = await store.info("stats", "total_commands_processed")
    await store.kill()
    store.options = (*OPTIONS, "--key-load-delay", str(2_000_000 // commands))
    starting = asyncio.create_task(store.start())
    await until(lambda: loads(store))
    await starting


async def loads(store: Node) -> bool:
    try:
        await store.redis.ping()
    except BusyLoadingError:
        return True
    return False
