"""What a store's settings mean for what this server promises; looked at once, when a process starts.

INFO tells the most. CONFIG tells the rest, and may be forbidden, as it is with most hosted servers: then it
is said what could not be looked at.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Literal

from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, ResponseError

from productflo.store.client import Client, Cluster, look_again
from productflo.store.reply import text

OLDEST = (6, 2)
"""XAUTOCLAIM and GETDEL came with it."""
OLDEST_IN_CLUSTER = (7, 0)
"""Sharded Pub/Sub came with it."""
CONFIG = ("appendfsync", "save", "min-replicas-to-write", "cluster-require-full-coverage")


class Weight(IntEnum):
    """How much a finding matters."""

    GOOD = 0
    """As it should be."""
    DOUBT = 1
    """Holds, but not through everything."""
    VOID = 2
    """A promise does not hold: the server does not start."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence or two for the operator: what is, what it means, what to set."""

    weight: Weight
    text: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What the server's settings say: how files are flushed, how many replicas confirm, and whether it serves
    on a store that throws rooms away."""

    fsync: Literal["always", "everysec"] = "always"
    replicas: int = 0
    allow_eviction: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """One server as it is. `config` lacks what may not be read."""

    info: Mapping[str, Any]
    config: Mapping[str, str]

    @property
    def version(self) -> tuple[int, int]:
        """Of Redis, or of the Redis that a Valkey is compatible with."""
        major, minor, *_ = str(self.info["redis_version"]).split(".")
        return int(major), int(minor)

    @property
    def name(self) -> str:
        """As `Valkey 9.1.2, master of a Cluster`."""
        known = self.info.get("valkey_version")
        program = f"Valkey {known}" if known else f"Redis {self.info['redis_version']}"
        return f"{program}, {self.info['role']}{' of a Cluster' if self.in_cluster else ''}"

    @property
    def in_cluster(self) -> bool:
        """Whether it is a node of a Cluster."""
        return bool(self.info.get("cluster_enabled"))


async def inspect(client: Client, wish: Wish) -> list[Finding]:
    """Look at each master once; findings that several share are told once. Raises what redis-py raises."""
    if isinstance(client, Cluster):
        await look_again(client)
    servers = client.shards() if isinstance(client, Cluster) else [client]
    findings: dict[Finding, None] = {}
    for server in servers:
        findings |= dict.fromkeys(judge(await _look(server), wish))
    return list(findings)


async def _look(server: Redis) -> Found:
    info = await server.info("everything")
    try:
        raw = await server.config_get(*CONFIG) if _version_of(info) >= (7, 0) else await _one_by_one(server)
    except NoPermissionError:
        raw = {}
    except ResponseError as error:
        if "unknown command" not in str(error).lower():  # Hosted servers rename it, or take it away.
            raise
        raw = {}
    return Found(info, {text(name): text(value) for name, value in raw.items() if name and value is not None})


async def _one_by_one(server: Redis) -> dict[str | None, str | None]:
    """Before 7.0 CONFIG GET takes one name."""
    found: dict[str | None, str | None] = {}
    for name in CONFIG:
        found |= await server.config_get(name)
    return found


def _version_of(info: Mapping[str, Any]) -> tuple[int, int]:
    return Found(info, {}).version


def judge(found: Found, wish: Wish) -> Iterator[Finding]:
    """What a server's settings mean."""
    yield Finding(Weight.GOOD, f"The store is {found.name}.")
    yield from _version(found)
    yield from _memory(found, wish)
    yield from _persistence(found, wish)
    yield from _replication(found, wish)
    if unread := [name for name in CONFIG if name not in found.config and _matters(name, found)]:
        yield Finding(
            Weight.DOUBT,
            f"{', '.join(unread)} could not be checked: the store's user may not read its configuration "
            "(allow `+config|get`, or look yourself).",
        )


def _matters(name: str, found: Found) -> bool:
    return found.in_cluster or not name.startswith("cluster-")


def _version(found: Found) -> Iterator[Finding]:
    oldest = OLDEST_IN_CLUSTER if found.in_cluster else OLDEST
    if found.version < oldest:
        yield Finding(
            Weight.VOID,
            f"Version {'.'.join(map(str, found.version))} is too old: {'.'.join(map(str, oldest))} is the "
            f"oldest "
            f"that will do{' in a Cluster' if found.in_cluster else ''}.",
        )


def _memory(found: Found, wish: Wish) -> Iterator[Finding]:
    policy, limit = found.info.get("maxmemory_policy"), found.info.get("maxmemory", 0)
    if policy not in (None, "noeviction"):
        throws = "whole rooms" if str(policy).startswith("allkeys") else "invitations and leases"
        yield Finding(
            Weight.VOID if limit and throws == "whole rooms" and not wish.allow_eviction else Weight.DOUBT,
            f"maxmemory-policy is {policy}: when its memory is full the store throws {throws} away, "
            f"acknowledged "
            "or not. Set maxmemory-policy noeviction.",
        )
    if not limit:
        yield Finding(
            Weight.DOUBT,
            "maxmemory is not set: a full machine ends the store's process, where with a limit messages "
            "would be "
            "refused (STORE_FULL) and operators warned at 80 %.",
        )


def _persistence(found: Found, wish: Wish) -> Iterator[Finding]:
    fsync = found.config.get("appendfsync")
    if not found.info.get("aof_enabled"):
        snapshots = "what came after the last snapshot" if found.config.get("save") else "everything"
        yield Finding(
            Weight.DOUBT,
            f"appendonly is no: a store that starts again has lost {snapshots}, which clients are told "
            "(rewound). Set appendonly yes.",
        )
    elif fsync == "no" or (fsync == "everysec" and wish.fsync == "always"):
        lost = "the last second" if fsync == "everysec" else "up to half a minute"
        yield Finding(
            Weight.DOUBT,
            f"appendfsync is {fsync}: a power cut may take {lost} of acknowledged messages, which clients "
            f"are told "
            "(rewound). Set appendfsync always, or PRODUCTFLO_DURABILITY=fast if that is what you want.",
        )
    for name, what in (("aof_last_write_status", "append-only file"), ("rdb_last_bgsave_status", "snapshot")):
        if found.info.get(name, "ok") != "ok":
            yield Finding(
                Weight.DOUBT,
                f"The store could not write its last {what}: look at its disk. It may refuse messages "
                f"until it can.",
            )


def _replication(found: Found, wish: Wish) -> Iterator[Finding]:
    replicas = found.info.get("connected_slaves", 0)
    if wish.replicas > replicas:
        yield Finding(
            Weight.DOUBT,
            f"PRODUCTFLO_DURABILITY is replicated, and a master has {replicas} replicas: no message is "
            f"confirmed "
            "until it has one.",
        )
    if replicas and found.config.get("min-replicas-to-write") == "0":
        yield Finding(
            Weight.DOUBT,
            "min-replicas-to-write is 0: a master that is cut off from its replicas goes on taking "
            "messages, which "
            "a fail-over then throws away. Set min-replicas-to-write 1.",
        )
    if found.in_cluster and found.config.get("cluster-require-full-coverage") == "yes":
        yield Finding(
            Weight.DOUBT,
            "cluster-require-full-coverage is yes: while one shard is away, no room works. Set it to no.",
        )
