"""A message in the log wakes the room's assistants, whatever became of who said it."""

import asyncio
from pathlib import Path

from redis.asyncio import Redis
from rooms import entry, make_room, writing

from productflo.blobs.local import LocalBlobs
from productflo.service.chat import Chat
from productflo.service.clock import system_clock
from productflo.service.files import Files
from productflo.service.mentions import Mentions
from productflo.service.wakeups import Wakeups
from productflo.store.files import FileStore
from productflo.store.keys import ready
from productflo.store.log import Log
from productflo.store.ready import ReadyStream
from productflo.store.rooms import Rooms
from productflo.store.teams import Teams


def chat_on(redis: Redis, log: Log, wakeups: Wakeups, folder: Path) -> Chat:
    """The service."""
    files = Files(FileStore(redis), LocalBlobs(folder), 1)
    mentions = Mentions(Rooms(redis), Teams(redis))
    return Chat(log, mentions, files, wakeups, system_clock)


async def test_who_heard_the_room_before_is_woken_with_the_message(redis: Redis, tmp_path: Path) -> None:
    """Nobody else wakes it here; one who is not there any more is not expected again."""
    async with writing(redis) as log:
        await make_room(redis, log, "lab", assistants=["echo", "scribe"])
        chat = chat_on(redis, log, Wakeups(redis), tmp_path)
        await chat.commit(entry("lab", "ada", "one", "m1"))
        assert await redis.xlen(ready("echo")) == 0
        appended = await chat.commit(entry("lab", "ada", "two", "m2"))
        assert appended.woken == {"echo", "scribe"}
        [(_, woken)] = await redis.xrange(ready("echo"))
        assert woken == {b"room": b"lab"}
        await Rooms(redis).leave("lab", "scribe", b"")
        assert (await chat.commit(entry("lab", "ada", "three", "m3"))).woken == {"echo"}
        assert (await chat.commit(entry("lab", "ada", "four", "m4"))).woken == {"echo"}
        assert [await redis.xlen(ready(one)) for one in ("echo", "scribe")] == [3, 2]


async def test_a_wake_up_that_was_not_taken_with_the_message_follows(redis: Redis, tmp_path: Path) -> None:
    """The message is in the log all the same."""
    wakeups = Wakeups(redis)
    async with writing(redis) as log, asyncio.TaskGroup() as tasks:
        await make_room(redis, log, "lab")
        chat = chat_on(redis, log, wakeups, tmp_path)
        await chat.commit(entry("lab", "ada", "one", "m1"))
        await redis.set(ready("echo"), "no stream")
        assert (await chat.commit(entry("lab", "ada", "two", "m2"))).woken == frozenset()
        await redis.delete(ready("echo"))
        waking = tasks.create_task(wakeups.run())
        [(_, [(_, woken)])] = await redis.xread({ready("echo"): "0"}, block=5000)
        assert woken == {b"room": b"lab"}
        waking.cancel()


async def test_who_asks_and_hangs_up_is_answered_at_once(redis: Redis, tmp_path: Path) -> None:
    """The connection is cancelled while the message is on its way, which wakes the assistant all the same."""
    wakeups = Wakeups(redis)
    async with writing(redis) as log, asyncio.TaskGroup() as tasks:
        room = await make_room(redis, log, "lab")
        chat = chat_on(redis, log, wakeups, tmp_path)
        waking = tasks.create_task(wakeups.run())
        saying = tasks.create_task(chat.commit(entry("lab", "ada", "are you there?", "m1")))
        await asyncio.sleep(0)  # One turn of the loop: it is handed in.
        saying.cancel()
        [(_, [(_, woken)])] = await redis.xread({ready("echo"): "0"}, block=5000)
        assert woken == {b"room": b"lab"}
        assert saying.cancelled()
        assert [one["message_id"] for one in await room.said()] == ["m1"]
        waking.cancel()


async def test_a_wake_up_that_another_took_stays(redis: Redis) -> None:
    """A worker that stood still is done with what was handed to it, and is another one's by then."""
    slow, quick = (
        ReadyStream(redis, "echo", "slow", idle=0.02),
        ReadyStream(redis, "echo", "quick", idle=0.02),
    )
    await slow.open()
    await slow.wake("lab")
    handed = await slow.next()
    assert handed is not None
    while not (taken := await quick.reclaim()):
        await redis.ping()  # Until it has lain for long enough.
    await slow.done(handed)
    assert await redis.xlen(ready("echo")) == 1
    await quick.done(taken)
    assert await redis.xlen(ready("echo")) == 0
