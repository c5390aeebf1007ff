"""What a room keeps: by number, age and size; and what goes with it."""

import asyncio
from collections.abc import Sequence
from uuid import uuid4

import orjson
import pytest
from redis.asyncio import Redis
from revising import revision
from rooms import entry, make_room, writing

from productflo.errors import Conflict, NotFound
from productflo.store.entries import RunGuard
from productflo.store.feedback import FeedbackStore, Given
from productflo.store.keys import RETENTION_SWEEP, RoomKeys
from productflo.store.log import Log
from productflo.store.retention import Retention, Sweep
from productflo.store.rooms import Rooms
from productflo.store.runs import Lease, RunStore

FILE = "file_" + "0" * 26
ALL = 10**6


@pytest.fixture
def room() -> str:
    return f"room_{uuid4().hex}"


async def first_seq(redis: Redis, room: str) -> int:
    """The oldest event that a room tells it keeps."""
    position = await Rooms(redis).position(room)
    assert position is not None
    return position.first_seq


async def say(log: Log, room: str, numbers: Sequence[int], text: str = "hello") -> None:
    """Messages `m<number>` of ada, one after the other."""
    for number in numbers:
        await log.append(entry(room, "ada", text, f"m{number}"))


async def test_exactly_so_many_are_kept(redis: Redis, room: str) -> None:
    """However many come at once; the position tells from where on."""
    async with writing(redis, Retention(events=10)) as log:
        await make_room(redis, log, room)
        await say(log, room, range(1, 40))
        kept = await log.read(room, 0, ALL)
        assert [one.seq for one in kept] == list(range(30, 40))
        assert await first_seq(redis, room) == 30
        assert [one.seq for one in await log.messages(room, 0, ALL, ALL)] == list(range(30, 40))


async def test_of_many_a_thousandth_goes_at_a_time(redis: Redis, room: str) -> None:
    """Never fewer are kept than wished, and never a thousandth more; also of messages that come together."""
    async with writing(redis, Retention(events=3000)) as log:
        await make_room(redis, log, room)
        kept: list[int] = []
        said = 0
        for last in (2999, *range(3000, 3007), 3052, 3098, 3099):
            numbers = range(said + 1, last + 1)
            await asyncio.gather(*(log.append(entry(room, "ada", "hello", f"m{n}")) for n in numbers))
            kept.append(await redis.zcard(RoomKeys(room).ids))
            assert await first_seq(redis, room) == last - kept[-1] + 1
            said = last
        assert kept == [2999, 3000, 3001, 3002, 3000, 3001, 3002, 3000, 3000, 3000, 3000]


async def test_so_many_bytes_are_kept(redis: Redis, room: str) -> None:
    """Of the envelopes as everybody got them."""
    async with writing(redis, Retention(size=100_000)) as log:
        await make_room(redis, log, room)
        await say(log, room, range(1, 40), "x" * 10_000)
        kept = await log.read(room, 0, ALL)
        size = sum(len(one.envelope) for one in kept)
        assert 100_000 - len(kept[0].envelope) < size <= 100_000
        assert await first_seq(redis, room) == kept[0].seq


async def test_a_trimmed_message_takes_all_that_is_its_own(redis: Redis, room: str) -> None:
    """But its id is known for its day: said again it is the same, and another one is a conflict."""
    async with writing(redis, Retention(events=3)) as log:
        await make_room(redis, log, room)
        first = entry(room, "ada", "hello", "m0", files=[FILE])
        deleted = entry(room, "ada", "hello", "m1", files=[FILE])
        await log.append(first)
        await log.append(deleted)
        edit = await revision(redis, log, room, "edit", "m0", message="hello there", operation="op1")
        await log.append(edit)
        await log.append(await revision(redis, log, room, "delete", "m1"))
        await say(log, room, range(2, 6))
        keys = RoomKeys(room)
        assert [one.seq for one in await log.read(room, 0, ALL)] == [6, 7, 8]
        assert await redis.zrange(keys.ids, 0, -1) == [b"m3", b"m4", b"m5"]
        assert sorted(await redis.hkeys(keys.messages)) == [b"6", b"7", b"8"]
        assert await redis.exists(keys.deleted, keys.files) == 0
        again = await log.append(first)
        assert again.envelope is not None
        data = orjson.loads(again.envelope)["data"]
        assert (again.seq, data["seq"], data["message"], data["attached_files"]) == (1, 1, "hello", [FILE])
        again = await log.append(edit)
        assert again.envelope is not None
        data = orjson.loads(again.envelope)["data"]
        assert (again.seq, data["seq"], data["message_seq"], data["message"]) == (3, 3, 1, "hello there")
        assert data["edited_at"] == data["accepted_at"]
        with pytest.raises(Conflict):
            await log.append(entry(room, "ada", "bye", "m0"))
        with pytest.raises(NotFound):
            await log.append(await revision(redis, log, room, "reaction", "m0", emoji="x", action="add"))
        assert await log.find(room, "m0") is None


async def test_an_edit_outlives_its_message(redis: Redis, room: str) -> None:
    """Who comes back with the old text gets the present one, though the message itself is kept no longer."""
    async with writing(redis, Retention(events=3)) as log:
        await make_room(redis, log, room)
        await log.append(entry(room, "ada", "hello", "m0", files=[FILE]))
        for text in ("hello there", "hello everybody"):
            await log.append(await revision(redis, log, room, "edit", "m0", message=text))
        await say(log, room, [1])
        edits = [orjson.loads(one.envelope) for one in await log.read(room, 1, 2)]
        assert [one["data"]["message"] for one in edits] == ["hello everybody"] * 2
        assert await redis.exists(RoomKeys(room).files) == 0
        await say(log, room, [2])
        (edit,) = await log.read(room, 2, 1)
        assert orjson.loads(edit.envelope)["data"]["message"] == "hello everybody"
        await say(log, room, [3])
        assert sorted(await redis.hkeys(RoomKeys(room).messages)) == [b"4", b"5", b"6"]


async def test_a_log_of_the_first_version_is_read(redis: Redis, room: str) -> None:
    """Its entries say all themselves; they can be read and trimmed, but not changed."""
    async with writing(redis, Retention(events=3)) as log:
        await make_room(redis, log, room)
        said = {"code": "chat_response", "user_id": "ada", "data": {"message_id": "m1", "seq": 1}}
        await redis.xadd(RoomKeys(room).log, {"e": orjson.dumps(said), "d": b"d" * 16}, id="1-1")
        await redis.zadd(RoomKeys(room).ids, {"m1": 1})
        await redis.hset(RoomKeys(room).meta, "seq", 1)
        for records in (await log.read(room, 0, ALL), await log.messages(room, 0, ALL, ALL)):
            assert [orjson.loads(one.envelope) for one in records] == [said]
        with pytest.raises(NotFound):
            await log.append(await revision(redis, log, room, "edit", "m1", message="new"))
        await say(log, room, range(2, 6))
        assert [one.seq for one in await log.read(room, 0, ALL)] == [3, 4, 5]


async def test_what_was_done_is_forgotten_by_itself(redis: Redis, room: str) -> None:
    """After a day it moves to the older hash, and both end on their own."""
    async with writing(redis, Retention(events=1)) as log:
        keys = RoomKeys(room)
        await make_room(redis, log, room)
        await say(log, room, [1, 2])
        assert 24 < await redis.ttl(keys.seen) / 3600 <= 48
        await redis.expire(keys.seen, 86_000)  # As if it had begun a day ago.
        await say(log, room, [3])
        assert await redis.hkeys(keys.seen_before) == [b"m m1"]
        assert await redis.hkeys(keys.seen) == [b"m m2"]
        assert await redis.ttl(keys.seen) > 86_400 >= await redis.ttl(keys.seen_before)
        assert (await log.append(entry(room, "ada", "hello", "m1"))).seq == 1
        assert (await log.append(entry(room, "ada", "hello", "m2"))).seq == 2


async def test_a_quiet_room_forgets_by_age(redis: Redis, room: str) -> None:
    """Though nobody writes to it, and whatever other rooms there are; messages that are young stay."""
    async with writing(redis) as log:
        for name in (room, f"{room}-2"):
            await make_room(redis, log, name)
            await say(log, name, range(1, 4))
            while await redis.xlen(RoomKeys(name).log):  # A millisecond has to pass on the store's clock.
                await Sweep(redis, Retention(days=1 / 86_400_000)).trim(name)
        await say(log, room, range(4, 6))
        assert await Sweep(redis, Retention(days=1)).sweep() == 0
        remaining = await redis.xlen(RoomKeys(room).log)
        assert await Sweep(redis, Retention(events=1)).sweep() == remaining - 1
        position = await Rooms(redis).position(room)
        assert position is not None
        assert (position.first_seq, position.last_seq) == (5, 5)
        empty = await Rooms(redis).position(f"{room}-2")
        assert empty is not None
        assert (empty.first_seq, empty.last_seq) == (4, 3)
        assert (await log.append(entry(room, "ada", "hello", "m6"))).seq == 6


async def test_one_process_sweeps_at_a_time(redis: Redis, room: str) -> None:
    """The next one when the mark of the last has ended."""
    async with writing(redis) as log:
        await make_room(redis, log, room)
        await say(log, room, range(1, 4))
        sweep = Sweep(redis, Retention(events=1), look=0.01)
        await redis.set(RETENTION_SWEEP, 1)
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(sweep.run()) for _ in range(2)]
            await asyncio.sleep(0.05)
            assert await redis.xlen(RoomKeys(room).log) == 3
            await redis.delete(RETENTION_SWEEP)
            async with asyncio.timeout(20):
                while await redis.xlen(RoomKeys(room).log) > 1:
                    await redis.wait(0, 1)
            for one in running:
                one.cancel()
        assert await redis.pttl(RETENTION_SWEEP) > 0


async def test_ratings_go_with_the_message(redis: Redis, room: str) -> None:
    """One a member and message, the last one counts; for answers only."""
    async with writing(redis) as log:
        await make_room(redis, log, room, people=("ada", "bob"))
        await say(log, room, [1])
        lease = await RunStore(redis).acquire(room, "echo", "worker")
        assert isinstance(lease, Lease)
        guard = RunGuard("echo", lease.token, 1)
        await log.append(entry(room, "echo", "an answer", "a1", "m1", guard))
        ratings, keys = FeedbackStore(redis), RoomKeys(room)
        assert await ratings.give(room, "ada", "m1", "up", None) is Given.NO_ANSWER
        assert await ratings.give(room, "ada", "none", "up", None) is Given.NOT_FOUND
        assert await ratings.give(room, "eve", "a1", "up", None) is Given.FORBIDDEN
        assert await ratings.give(room, "ada", "a1", "up", None) is Given.NEW
        assert await ratings.give(room, "bob", "a1", "down", "no") is Given.NEW
        assert await ratings.give(room, "ada", "a1", "up", None) is Given.SAME
        assert await ratings.give(room, "ada", "a1", "down", "on second thoughts") is Given.NEW
        kept = sorted(await redis.zrange(keys.feedback, 0, -1))
        assert kept == [b'2 ada ["down","on second thoughts"]', b'2 bob ["down","no"]']
        await log.append(await revision(redis, log, room, "delete", "a1"))
        assert await redis.exists(keys.feedback) == 0
        assert await ratings.give(room, "ada", "a1", "up", None) is Given.NOT_FOUND


async def test_a_deleted_text_is_nowhere_in_the_store(redis: Redis, room: str) -> None:
    """Nor an edited one: not in any key's bytes, as a snapshot would hold them."""
    await redis.config_set("rdbcompression", "no")
    texts = {name: uuid4().hex for name in ("said", "edited", "deleted", "metadata", "stays")}
    async with writing(redis) as log:
        await make_room(redis, log, room)
        for number in range(5):
            await log.append(entry(room, "ada", texts["stays"], f"before{number}"))
        await log.append(entry(room, "ada", texts["said"], "m1", files=[texts["metadata"]]))
        await log.append(await revision(redis, log, room, "edit", "m1", message=texts["edited"]))
        await log.append(await revision(redis, log, room, "edit", "m1", message=texts["deleted"]))

        async def held(text: str) -> bool:
            dumps = [await redis.dump(key) async for key in redis.scan_iter(f"*{room}*")]
            return any(text.encode() in dump for dump in dumps)

        assert await held(texts["stays"])
        assert await held(texts["deleted"])
        assert await held(texts["metadata"])
        assert not await held(texts["said"])
        assert not await held(texts["edited"])
        await log.append(await revision(redis, log, room, "delete", "m1"))
        assert await held(texts["stays"])
        assert not [name for name in ("deleted", "metadata") if await held(texts[name])]
