"""The stores that a storm can be over: one Valkey, one that sentinels watch, or a Cluster."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

from redis.asyncio import Redis
from redis.exceptions import RedisError
from storm.clock import Clock
from storm.network import Loopback, Network
from storm.program import LOOK_SECONDS, START_SECONDS, Program, free_port, stopped
from topologies import Node, TestCluster, Watched, redis_cluster, sentinels, until

from productflo.store.valkey import find_binary


class Store(Protocol):
    """What a storm asks of the store that it is over."""

    clock: Clock | None
    """What sets its clock wrong, where that can be."""

    def url(self, link: int = 0) -> str:
        """Its address for the web server of that number; 0 is the storm itself."""

    async def kill(self) -> None:
        """`kill -9` of what takes the writes, or of one of those; returns when it is dead."""

    async def end(self) -> None:
        """The same with SIGTERM."""

    async def recover(self) -> None:
        """What was killed or ended is started again, and the whole takes writes."""

    def stopped(self) -> AbstractContextManager[None]:
        """What takes the writes, or one of those, stands still for as long as the block lasts."""

    async def cut_bus(self) -> None:
        """Close the connections that listen to Pub/Sub."""


class Single:
    """One Valkey with `appendfsync always`, over TCP."""

    def __init__(self, folder: Path, network: Network) -> None:
        self._network = network
        self._port = free_port()
        data = folder / "store"
        data.mkdir(exist_ok=True)
        settings = {
            "port": str(self._port),
            "bind": "0.0.0.0",  # noqa: S104 - of a namespace, or of a test's few minutes
            "protected-mode": "no",
            "dir": str(data),
            "appendonly": "yes",
            "appendfsync": "always",
            "save": "",
            "maxmemory-policy": "noeviction",
        }
        arguments = [word for name, value in settings.items() for word in (f"--{name}", value)]
        command = (*network.prefix, str(find_binary()), *arguments)
        self._program = Program("store", command, os.environ, folder)
        self.clock: Clock | None = self._program.clock

    def url(self, link: int = 0) -> str:
        return f"redis://{self._network.address(link)}:{self._port}"

    async def kill(self) -> None:
        await self._program.kill()

    async def end(self) -> None:
        await self._program.end(signal.SIGTERM)

    async def recover(self) -> None:
        await self._program.start()
        async with asyncio.timeout(START_SECONDS), Redis.from_url(self.url(), socket_timeout=2) as redis:
            while True:
                try:
                    await redis.ping()
                except (RedisError, OSError):
                    await asyncio.sleep(LOOK_SECONDS)
                else:
                    return

    def stopped(self) -> AbstractContextManager[None]:
        return self._program.stopped()

    async def cut_bus(self) -> None:
        async with Redis.from_url(self.url()) as redis:
            await redis.client_kill_filter(_type="pubsub")


class Sentinel:
    """A master with two replicas, which three sentinels watch. A fail-over may lose what was acknowledged."""

    clock: Clock | None = None

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._master = watched.servers[0]
        self._dead: Node | None = None

    def url(self, link: int = 0) -> str:
        return self._watched.url

    async def kill(self) -> None:
        self._dead = await self._watched.master()
        await self._dead.kill()

    async def end(self) -> None:
        await self.kill()

    async def recover(self) -> None:
        assert self._dead is not None
        await self._watched.failed_over(self._dead)
        await self._dead.start()  # The sentinels make it a replica.
        await until(self._whole)
        self._dead = None
        self._master = await self._watched.master()

    def stopped(self) -> AbstractContextManager[None]:
        return stopped((self._master.pid,))

    async def cut_bus(self) -> None:
        await _cut_bus(*self._watched.servers)

    async def _whole(self) -> bool:
        """Whether the master has both replicas: the next one must find one to choose."""
        master = await self._watched.master()
        return bool(await master.info("replication", "connected_slaves") == 2)


class Cluster:
    """Three masters, each with a replica. A fail-over may lose what was acknowledged."""

    clock: Clock | None = None

    def __init__(self, cluster: TestCluster) -> None:
        self._cluster = cluster
        self._rooms = iter(range(1_000_000))
        self._dead: Node | None = None

    def url(self, link: int = 0) -> str:
        return self._cluster.url

    async def kill(self) -> None:
        self._dead = await self._cluster.master_of(f"{next(self._rooms)}")
        await self._dead.kill()

    async def end(self) -> None:
        await self.kill()

    async def recover(self) -> None:
        assert self._dead is not None
        await self._cluster.taken_over(self._dead)
        await self._dead.start()
        await until(self._followed)
        self._dead = None

    def stopped(self) -> AbstractContextManager[None]:
        return stopped((self._cluster.masters[0].pid,))

    async def cut_bus(self) -> None:
        await _cut_bus(*self._cluster.masters, *self._cluster.replicas)

    async def _followed(self) -> bool:
        """Whether what was dead follows its successor: else nobody could take over from that one."""
        assert self._dead is not None
        return bool(await self._dead.info("replication", "master_link_status") == "up")


async def _cut_bus(*servers: Node) -> None:
    for server in servers:
        async with Redis(port=server.port) as redis:  # A connection of its own: the server may be a new one.
            await redis.client_kill_filter(_type="pubsub")


@asynccontextmanager
async def single(folder: Path, network: Network) -> AsyncIterator[Single]:
    """One Valkey, which answers."""
    store = Single(folder, network)
    try:
        await store.recover()
        yield store
    finally:
        await store.kill()


@asynccontextmanager
async def watched(folder: Path, network: Network) -> AsyncIterator[Sentinel]:
    """A master with replicas and sentinels."""
    assert isinstance(network, Loopback), "only the single store has links to cut"
    async with sentinels(folder) as found:
        yield Sentinel(found)


@asynccontextmanager
async def clustered(folder: Path, network: Network) -> AsyncIterator[Cluster]:
    """A Cluster."""
    assert isinstance(network, Loopback), "only the single store has links to cut"
    async with redis_cluster(folder) as found:
        yield Cluster(found)


STORES: Mapping[str, Callable[[Path, Network], AbstractAsyncContextManager[Store]]] = {
    "single": single,
    "sentinel": watched,
    "cluster": clustered,
}
"""The stores by the name that `--store` knows them by."""
