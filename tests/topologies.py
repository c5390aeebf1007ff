"""Redis as people run it, in local processes: a Cluster with replicas, and a master that sentinels watch."""

import asyncio
import os
import signal
import socket
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from productflo.store.valkey import find_binary

LOOK_SECONDS = 0.03
PATIENCE_SECONDS = 30.0  # Far above what anything here takes on a busy machine of two cores.
NODE_TIMEOUT = 1500
"""Milliseconds of silence until a node counts as failed: a paused machine must not look like a fail-over."""
SLOTS = 16_384
MASTER = "chat"
"""What the sentinels call the master."""
QUICK = ("--save", "", "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1")


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


async def until(holds: Callable[[], Awaitable[object]]) -> None:
    """Return when something of a server's is true; it tells nobody, so it is asked again and again."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            with suppress(RedisError, OSError):
                if await holds():
                    return
            await asyncio.sleep(LOOK_SECONDS)


@dataclass(slots=True, eq=False)
class Node:
    """A server on a port of its own, with a client to steer it by."""

    port: int
    folder: Path
    options: Sequence[str] = ()
    redis: Redis = field(init=False, repr=False)
    _process: Process | None = None

    def __post_init__(self) -> None:
        at_once = Retry(NoBackoff(), 0)
        self.redis = Redis(host="127.0.0.1", port=self.port, decode_responses=True, retry=at_once)

    async def start(self) -> None:
        """Start it, and return when it answers."""
        self.folder.mkdir(exist_ok=True)
        own = ("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder))
        self._process = await asyncio.create_subprocess_exec(
            find_binary(),
            *self.options,
            *own,
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=DEVNULL,
            restore_signals=False,  # A write beyond a limit of its files' size fails, and ends it not.
        )
        await until(self.redis.ping)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def kill(self) -> None:
        """End it as a crash would."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)
            await self._process.wait()

    async def end(self) -> None:
        await self.redis.aclose()
        await self.kill()

    async def info(self, section: str, name: str) -> Any:
        """One figure of INFO."""
        return (await self.redis.info(section))[name]


@asynccontextmanager
async def nodes(folder: Path, *options: Sequence[str]) -> AsyncIterator[list[Node]]:
    """Servers with these options each, killed at the end."""
    ports = free_ports(len(options))
    started = [Node(port, folder / str(port), own) for port, own in zip(ports, options, strict=True)]
    async with AsyncExitStack() as stack:
        for node in started:
            stack.push_async_callback(node.end)
        await asyncio.gather(*(node.start() for node in started))
        yield started


@dataclass(frozen=True, slots=True)
class TestCluster:
    """Masters, each with the replica at the same place."""

    __test__ = False

    masters: list[Node]
    replicas: list[Node]

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{one.port}" for one in self.masters)

    def node(self, port: int) -> Node:
        return next(one for one in (*self.masters, *self.replicas) if one.port == port)

    async def master_of(self, key: str) -> Node:
        """The node that has a key now, as a master that lives sees it."""
        for node in (*self.masters, *self.replicas):
            with suppress(RedisError, OSError):
                slot = await node.redis.execute_command("CLUSTER", "KEYSLOT", key)
                for first, last, (_, port, *_), *_ in await node.redis.execute_command("CLUSTER SLOTS"):
                    if first <= slot <= last:
                        return self.node(port)
        raise AssertionError(f"nobody has {key}")

    async def taken_over(self, dead: Node) -> None:
        """Return when a replica has taken over for a dead master, and all the others know."""
        others = [one for one in (*self.masters, *self.replicas) if one is not dead]
        await until(lambda: self._agreed(others, without=dead))

    async def _agreed(self, among: list[Node], without: Node | None = None) -> bool:
        for node in among:
            info = await node.redis.execute_command("CLUSTER INFO")
            owners = {master[1] for _, _, master, *_ in await node.redis.execute_command("CLUSTER SLOTS")}
            if info["cluster_state"] != "ok" or (without and without.port in owners):
                return False
        return True

    async def move_slot(self, key: str) -> Node:
        """Move a key's slot, with all that is in it, to the next master; returns that one."""
        source = await self.master_of(key)
        target = self.masters[(self.masters.index(source) + 1) % len(self.masters)]
        slot = await source.redis.execute_command("CLUSTER", "KEYSLOT", key)
        names = {one: await one.redis.execute_command("CLUSTER MYID") for one in (source, target)}
        await target.redis.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", names[source])
        await source.redis.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", names[target])
        while keys := await source.redis.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 100):
            await source.redis.execute_command(
                "MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *keys
            )
        for node in (target, source, *self.masters):
            await node.redis.execute_command("CLUSTER", "SETSLOT", slot, "NODE", names[target])
        return target


@asynccontextmanager
async def redis_cluster(folder: Path, shards: int = 3) -> AsyncIterator[TestCluster]:
    """A Cluster in which each master has a replica."""
    ports = free_ports(2 * shards)
    options = [
        (
            *("--cluster-enabled", "yes", "--cluster-port", str(port), "--appendonly", "no", *QUICK),
            *("--cluster-node-timeout", str(NODE_TIMEOUT), "--cluster-announce-ip", "127.0.0.1"),
            *("--cluster-replica-validity-factor", "0"),
        )
        for port in ports
    ]
    async with nodes(folder, *options) as started:
        cluster = TestCluster(started[:shards], started[shards:])
        for at, node in enumerate(cluster.masters):
            first, last = at * SLOTS // shards, (at + 1) * SLOTS // shards - 1
            await node.redis.execute_command("CLUSTER", "SET-CONFIG-EPOCH", at + 1)
            await node.redis.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
        for node, port in zip(started, ports, strict=True):
            await started[0].redis.execute_command("CLUSTER", "MEET", "127.0.0.1", node.port, port)
        await until(lambda: _all_met(started))
        for master, replica in zip(cluster.masters, cluster.replicas, strict=True):
            name = await master.redis.execute_command("CLUSTER MYID")
            await replica.redis.execute_command("CLUSTER", "REPLICATE", name)
        for replica in cluster.replicas:
            await until(lambda: linked(replica))  # noqa: B023 - awaited at once
        await until(lambda: cluster._agreed(started))
        yield cluster


async def _all_met(started: Sequence[Node]) -> bool:
    for node in started:
        info = await node.redis.execute_command("CLUSTER INFO")
        if info["cluster_known_nodes"] != str(len(started)) or info["cluster_state"] != "ok":
            return False
    return True


async def linked(replica: Node) -> bool:
    """Whether a replica has all that its master has."""
    return await replica.info("replication", "master_link_status") == "up"


@dataclass(frozen=True, slots=True)
class Watched:
    """A master with replicas, and sentinels that watch them."""

    servers: list[Node]
    sentinels: list[Node]

    @property
    def url(self) -> str:
        return f"redis+sentinel://{','.join(f'127.0.0.1:{one.port}' for one in self.sentinels)}/{MASTER}"

    async def master(self) -> Node:
        """Whom the sentinels name."""
        _, port = await self.sentinels[0].redis.execute_command("SENTINEL GET-MASTER-ADDR-BY-NAME", MASTER)
        return next(one for one in self.servers if one.port == int(port))

    async def failed_over(self, from_: Node) -> None:
        """Return when all sentinels name another master, which takes writes."""

        async def done() -> bool:
            for one in self.sentinels:
                _, port = await one.redis.execute_command("SENTINEL GET-MASTER-ADDR-BY-NAME", MASTER)
                if int(port) == from_.port:
                    return False
            return bool(await (await self.master()).info("replication", "role") == "master")

        await until(done)


@asynccontextmanager
async def sentinels(folder: Path) -> AsyncIterator[Watched]:
    """One master, two replicas and three sentinels."""
    plain = ("--appendonly", "no", *QUICK)
    async with nodes(folder, plain, plain, plain) as servers:
        master, *replicas = servers
        for replica in replicas:
            await replica.redis.replicaof("127.0.0.1", master.port)
        for replica in replicas:
            await until(lambda: linked(replica))  # noqa: B023 - awaited at once
        configs = [folder / f"sentinel{at}.conf" for at in range(3)]
        for config in configs:
            config.write_text(
                f"sentinel monitor {MASTER} 127.0.0.1 {master.port} 2\n"
                f"sentinel down-after-milliseconds {MASTER} {NODE_TIMEOUT}\n"
                f"sentinel failover-timeout {MASTER} 6000\n"
            )
        async with nodes(folder, *((str(config), "--sentinel") for config in configs)) as watching:
            watched = Watched(servers, watching)
            await until(lambda: _all_know(watching))
            yield watched


async def _all_know(watching: Sequence[Node]) -> bool:
    for one in watching:
        state = (await one.redis.sentinel_masters())[MASTER]
        if state["num-other-sentinels"] != 2 or state["num-slaves"] != 2:
            return False
    return True
