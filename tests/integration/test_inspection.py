"""What is said of a store's settings, by real servers that have them."""

import logging
from pathlib import Path

import pytest
from processes import PRODUCTFLO, environment, running
from redis.asyncio import Redis
from topologies import nodes

from productflo.redis_url import parse
from productflo.store.connect import open_redis
from productflo.store.inspection import Finding, Found, Weight, Wish, inspect, judge
from productflo.store.watch import StoreWatch

GOOD_INFO = {
    "redis_version": "7.2.4",
    "role": "master",
    "maxmemory": 1_000_000,
    "maxmemory_policy": "noeviction",
    "aof_enabled": 1,
    "connected_slaves": 1,
}
GOOD_CONFIG = {
    "appendfsync": "always",
    "save": "",
    "min-replicas-to-write": "1",
    "cluster-require-full-coverage": "no",
}


def doubts(findings: list[Finding]) -> list[str]:
    return [one.text for one in findings if one.weight is not Weight.GOOD]


def test_a_good_store_leaves_nothing_to_say() -> None:
    """Beyond what it is."""
    findings = list(judge(Found(GOOD_INFO, GOOD_CONFIG), Wish(replicas=1)))
    assert [one.text for one in findings] == ["The store is Redis 7.2.4, master."]


@pytest.mark.parametrize(
    ("info", "config", "word"),
    [
        ({"redis_version": "6.0.16"}, {}, "too old: 6.2"),
        ({"redis_version": "6.2.14", "cluster_enabled": 1}, {}, "too old: 7.0"),
        ({"maxmemory_policy": "volatile-lru"}, {}, "invitations and leases"),
        ({"maxmemory": 0}, {}, "maxmemory is not set"),
        ({"aof_enabled": 0}, {}, "has lost everything"),
        ({"aof_enabled": 0}, {"save": "60 1"}, "after the last snapshot"),
        ({}, {"appendfsync": "everysec"}, "the last second"),
        ({}, {"appendfsync": "no"}, "half a minute"),
        ({"aof_last_write_status": "err"}, {}, "append-only file"),
        ({"rdb_last_bgsave_status": "err"}, {}, "snapshot"),
        ({"connected_slaves": 0}, {}, "has 0 replicas"),
        ({}, {"min-replicas-to-write": "0"}, "min-replicas-to-write 1"),
        ({"cluster_enabled": 1}, {"cluster-require-full-coverage": "yes"}, "no room works"),
    ],
)
def test_each_doubt_is_said(info: dict[str, object], config: dict[str, str], word: str) -> None:
    """And nothing else."""
    found = Found(GOOD_INFO | info, GOOD_CONFIG | config)
    (doubt,) = doubts(list(judge(found, Wish(replicas=1))))
    assert word in doubt


def test_what_throws_rooms_away_is_void() -> None:
    """Where there is a limit at which it would."""
    evicting = {"maxmemory_policy": "allkeys-lru"}
    (void,) = (one for one in judge(Found(GOOD_INFO | evicting, GOOD_CONFIG), Wish()) if one.weight)
    assert void.weight is Weight.VOID
    unlimited = Found(GOOD_INFO | evicting | {"maxmemory": 0}, GOOD_CONFIG)
    assert {one.weight for one in judge(unlimited, Wish())} == {Weight.GOOD, Weight.DOUBT}


async def test_the_embedded_store_is_as_wished(redis: Redis) -> None:
    """But for a limit of its memory, which is the machine's."""
    (doubt,) = doubts(await inspect(redis, Wish()))
    assert "maxmemory" in doubt


async def test_what_may_not_be_read_is_said(redis: Redis, store_url: str) -> None:
    """A user who may not read the configuration is told what was not looked at."""
    await redis.acl_setuser(
        "blind", enabled=True, passwords=["+pw"], keys=["*"], commands=["+@all", "-config"]
    )
    address = parse(store_url)
    async with open_redis(f"unix://blind:pw@{address.path}") as blind:
        (_, doubt) = doubts(await inspect(blind, Wish()))
    assert "appendfsync, save, min-replicas-to-write could not be checked" in doubt


async def test_a_server_does_not_start_on_a_store_that_throws_rooms_away(tmp_path: Path) -> None:
    """It says what to set."""
    options = ("--save", "", "--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru")
    async with nodes(tmp_path, options) as (store,):
        env = {"REDIS_URL": f"redis://127.0.0.1:{store.port}"}
        async with running(*PRODUCTFLO, "serve", env=environment(tmp_path / "a", **env)) as refusing:
            await refusing.says("Error: maxmemory-policy is allkeys-lru.*Set maxmemory-policy noeviction")
            assert await refusing.ends() == 1


async def test_operators_are_warned_once_when_memory_gets_scarce(
    redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    """At 80 %, and once when there is room again."""
    caplog.set_level(logging.WARNING)
    watch = StoreWatch(redis, Wish())
    used = (await redis.info("memory"))["used_memory"]
    try:
        for share in (0.7, 0.9, 0.95, 0.78, 0.9, 0.5, 0.6):
            await redis.config_set("maxmemory", int(used / share))
            await watch.look_at_memory()
    finally:
        await redis.config_set("maxmemory", 0)
    said = [record.getMessage() for record in caplog.records]
    assert [("full" in one, "memory again" in one) for one in said] == [(True, False), (False, True)]


async def test_a_command_says_what_a_server_would_find(tmp_path: Path) -> None:
    """And its exit code, whether one would start; it would where that is allowed."""
    options = ("--save", "", "--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru")
    async with nodes(tmp_path, options) as (store,):
        env = environment(tmp_path, REDIS_URL=f"redis://127.0.0.1:{store.port}")
        for allowed, code in (("false", 1), ("true", 0)):
            asked = env | {"PRODUCTFLO_ALLOW_EVICTION": allowed}
            async with running(*PRODUCTFLO, "check-store", env=asked) as checking:
                assert await checking.ends() == code
            assert checking.lines[0].startswith("good  The store is ")
            assert any(line.startswith("doubt appendonly is no") for line in checking.lines)
            assert any(line.startswith("void ") for line in checking.lines) == bool(code)
