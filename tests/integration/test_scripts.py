"""Scripts on a server that has forgotten them, and positions on one that was started again."""

import asyncio
import re
from importlib.resources import files
from pathlib import Path
from uuid import uuid4

from processes import kill
from redis.asyncio import Redis
from redis.exceptions import RedisError
from rooms import entry, make_room, writing

from productflo.store.connect import open_redis
from productflo.store.embedded import EmbeddedStore
from productflo.store.presence import PresenceStore
from productflo.store.rooms import Rooms
from productflo.store.scripts import Script, script_source

DOUBLE = Script("return tonumber(ARGV[1]) * 2")


async def test_a_script_that_the_server_does_not_know_is_sent(redis: Redis) -> None:
    """At the first call, and at any later one."""
    for number in (1, 2):
        await redis.script_flush()
        assert await DOUBLE(redis, [], [number]) == 2 * number


async def test_a_pipeline_of_calls_is_answered_in_its_order(redis: Redis) -> None:
    """Though the server knew the script for none of them; an error of one stands in its place."""
    await redis.script_flush()
    assert await DOUBLE.each(redis, [([], [number]) for number in range(5)]) == [0, 2, 4, 6, 8]
    first, wrong, last = await DOUBLE.each(redis, [([], [1]), ([], ["x"]), ([], [3])])
    assert (first, isinstance(wrong, Exception), last) == (2, True, 6)


async def test_what_comes_after_the_calls_does_so_in_the_end(redis: Redis) -> None:
    """Though the server did not know the script at first; an error stands in its command's place."""
    keep = Script("return redis.call('RPUSH', KEYS[1], ARGV[1])")
    calls = [(["{kept}"], ["one"]), (["{kept}"], ["two"])]
    for _ in range(2):
        await redis.delete("{kept}")
        *_, after, wrong = await keep.each(redis, calls, after=[("RPUSH", "{kept}", "after"), ("RPUSH",)])
        assert (await redis.lrange("{kept}", 0, -1))[-3:] == [b"one", b"two", b"after"]
        assert (after >= 3, isinstance(wrong, RedisError)) == (True, True)


async def test_flushed_scripts_are_not_noticed(redis: Redis) -> None:
    """By appends, joins and presence, each in its own way of calling."""
    async with writing(redis) as log:
        room = await make_room(redis, log, f"room_{uuid4().hex}")
        for number in range(1, 4):
            await redis.script_flush()
            assert (await log.append(entry(room.name, "ada", "hello", f"m{number}"))).seq == number
            await redis.script_flush()
            await PresenceStore(redis).sweep()
            position = await Rooms(redis).position(room.name)
            assert position is not None
            assert position.last_seq == number


async def test_a_restarted_store_is_another_generation_and_counts_on(tmp_path: Path) -> None:
    """Scripts are sent again, nothing acknowledged is lost, and a client at the old end may go on."""
    async with (
        EmbeddedStore(tmp_path, "the tests") as store,
        open_redis(store.url) as redis,
        writing(redis) as log,
    ):
        room = await make_room(redis, log, "lab")
        await room.say("ada", "before")
        before = await Rooms(redis).position("lab")
        assert before is not None
        running = (await redis.info("server"))["run_id"]
        kill((await redis.info("server"))["process_id"])
        message = entry("lab", "ada", "after", "m2")
        first, repeated = await asyncio.gather(log.append(message), log.append(message))
        assert (first.seq, repeated.seq) == (2, 2)
        after = await Rooms(redis).position("lab")
        assert after is not None
        assert (await redis.info("server"))["run_id"] != running
        assert [data["message"] for data in await room.said()] == ["before", "after"]
    assert after.generation != before.generation
    assert after.predecessors == ((before.generation, 1),)
    assert (after.gap(1, before.generation), after.last_seq) == (None, 2)
    assert after.gap(2, before.generation) is not None


async def test_a_generation_lasts_while_the_store_runs(redis: Redis) -> None:
    """However often it is looked at or written to."""
    async with writing(redis) as log:
        room = await make_room(redis, log, f"room_{uuid4().hex}")
        seen = set()
        for _ in range(3):
            await room.say("ada", "hello")
            position = await Rooms(redis).position(room.name)
            assert position is not None
            seen.add((position.generation, position.predecessors))
        assert len(seen) == 1


def test_each_script_is_whole() -> None:
    """What an include needs is there before it: the server finds out only where a script comes to it."""
    for file in (files("productflo.store") / "scripts").iterdir():
        if file.name.startswith("_") or not file.name.endswith(".lua"):
            continue
        source = script_source(file.name)
        for name in [*re.findall(r"local function (\w+)", source), "server_info", "publish", "position"]:
            used = re.search(rf"(?<!function )\b{name}\(", source)
            made = re.search(rf"local function {name}\(", source)
            assert used is None or (made and made.start() < used.start()), f"{file.name} has no {name} yet"
