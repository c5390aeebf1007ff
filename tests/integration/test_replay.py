"""Readers who catch up from the log: what is gone is told, and what many read is read once."""

import asyncio
from collections.abc import Sequence
from typing import Any

import feeds
import orjson
import pytest
from ears import Ear, follow
from feeds import LAB, calls, feed_of, say
from redis.asyncio import Redis
from rooms import TestRoom

from productflo.protocol.codes import Kind
from productflo.server.feed import Feed
from productflo.server.pages import PAGE, Pages
from productflo.server.reconcile import Reconciler
from productflo.server.replay import Replay
from productflo.store.entries import Record
from productflo.store.events import Logged
from productflo.store.log import Log
from productflo.store.retention import Retention
from productflo.store.rooms import Member, Rooms

log, lab, reconciler = feeds.log, feeds.lab, feeds.reconciler


async def caught(lab: TestRoom, feed: Feed, ear: Ear, replay: Replay, cursor: int) -> asyncio.Task[None]:
    """A replay that has begun, to one who does not read on after the first event."""
    ear.reads.clear()
    subscription = follow(feed, ear, "ada", cursor=cursor)
    task = asyncio.create_task(replay.catch_up(feed, subscription))
    await asyncio.wait({task}, timeout=0.05)
    return task


@pytest.fixture
async def replay(log: Log, reconciler: Reconciler) -> Replay:
    """On the test's store."""
    return Replay(Pages(log), reconciler)


async def test_what_is_trimmed_during_a_replay_is_told(redis: Redis, lab: TestRoom, replay: Replay) -> None:
    """A reader so slow that its page had long been read; what it has not got is gone by then."""
    await say(lab, 3 * PAGE)
    feed, ear = await feed_of(redis), Ear("1")
    task = await caught(lab, feed, ear, replay, cursor=10)
    await redis.xtrim(LAB.log, minid=str(2 * PAGE + 51), approximate=False)
    ear.reads.set()
    await task
    assert ear.heard == [
        *range(11, PAGE + 1),
        f"GAP trimmed {2 * PAGE + 50}",
        *range(2 * PAGE + 51, 3 * PAGE + 1),
    ]
    assert feed.subscriptions["1"].live


class HeldLog(Log):
    """Answers are there, and handed over only when they are let go."""

    go: asyncio.Event

    async def read(self, room: str, after: int, limit: int) -> list[Record]:
        records = await super().read(room, after, limit)
        await self.go.wait()
        return records


async def go_back(redis: Redis, lab: TestRoom) -> None:
    """The store restarts on files that lack what was said after the fifth."""
    entries = await redis.xrange(LAB.log, "6", "+")
    await redis.xdel(LAB.log, *(entry for entry, _ in entries))
    await redis.hset(LAB.meta, "seq", 5)
    await redis.hdel(LAB.meta, "run_id")


async def test_a_page_in_hand_is_put_down_when_the_store_went_back(
    redis: Redis, lab: TestRoom, replay: Replay
) -> None:
    """What it holds beyond that place is not in the log any more."""
    await say(lab, 20)
    feed, ear = await feed_of(redis), Ear("1")
    task = await caught(lab, feed, ear, replay, cursor=2)
    await go_back(redis, lab)
    await replay.reconciler.settle(feed)
    ear.reads.set()
    await task
    assert ear.heard == ["GENERATION_CHANGED goes on 5", 3, 4, 5]


async def test_a_page_read_before_the_store_went_back_is_not_used(
    redis: Redis, lab: TestRoom, reconciler: Reconciler
) -> None:
    """The answer came late."""
    await say(lab, 20)
    held = HeldLog(redis, retention=Retention(1000))
    held.go = asyncio.Event()
    feed, ear = await feed_of(redis), Ear("1")
    task = await caught(lab, feed, ear, Replay(Pages(held), reconciler), cursor=2)
    ear.reads.set()
    await go_back(redis, lab)
    await reconciler.settle(feed)
    held.go.set()
    await task
    assert ear.heard == ["GENERATION_CHANGED goes on 5", 3, 4, 5]


async def test_nobody_is_handed_what_comes_after_a_turn_before_they_are_told(
    redis: Redis, lab: TestRoom, replay: Replay
) -> None:
    """The store was restarted and lost nothing; a replay reads its later events before the feed knows."""
    await say(lab, 5)
    feed, slow, live = await feed_of(redis), Ear("1"), Ear("2")
    follow(feed, live, "bob", cursor=5, live=True)
    behind = follow(feed, slow, "ada", cursor=2)
    await redis.hdel(LAB.meta, "run_id")
    await say(lab, 3)
    await replay.catch_up(feed, behind)
    assert slow.heard == ["GENERATION_CHANGED goes on 8", *range(3, 9)]
    assert live.heard == ["GENERATION_CHANGED goes on 8", 6, 7, 8]


async def test_another_join_stops_the_replay_of_the_first(
    redis: Redis, lab: TestRoom, replay: Replay
) -> None:
    """Nothing of the first follows; in the midst of a page as well."""
    await say(lab, 20)
    feed, ear = await feed_of(redis), Ear("1")
    first = await caught(lab, feed, ear, replay, cursor=2)
    again = follow(feed, ear, "ada", cursor=15)
    ear.reads.set()
    await asyncio.gather(first, replay.catch_up(feed, again))
    assert ear.heard == [16, 17, 18, 19, 20]


async def test_who_leaves_during_a_replay_hears_nothing_more(
    redis: Redis, lab: TestRoom, replay: Replay
) -> None:
    """In the midst of a page as well."""
    await say(lab, 20)
    feed, ear = await feed_of(redis), Ear("1")
    task = await caught(lab, feed, ear, replay, cursor=2)
    feed.end(feed.subscriptions["1"], None)
    ear.reads.set()
    await task
    assert ear.heard == []


async def test_many_who_resume_share_what_is_read(redis: Redis, lab: TestRoom, replay: Replay) -> None:
    """Whatever each has missed; and what is said meanwhile is read once, too."""
    await say(lab, 250)
    feed = await feed_of(redis)
    asked = await calls(redis, "xrange")

    async def resume(number: int) -> Sequence[int | str]:
        ear = Ear(f"{number}")
        await replay.catch_up(feed, follow(feed, ear, "ada", cursor=number))
        return ear.heard

    heard = await asyncio.gather(*(resume(number) for number in range(200)))
    assert list(heard) == [list(range(number + 1, 251)) for number in range(200)]
    assert await calls(redis, "xrange") == asked + 3


async def test_shared_pages_are_read_anew_after_an_edit(redis: Redis, lab: TestRoom, log: Log) -> None:
    """What was deleted is not shown to who comes later."""
    await say(lab, 3)
    feed, pages = await feed_of(redis), Pages(log)
    first, again = [await pages.read(feed, 0) for _ in range(2)]
    assert first[0] is again[0]
    gone: dict[str, Any] = {"status": "success", "code": "delete", "data": {"seq": 4, "message_seq": 1}}
    feed.logged(Logged(4, feed.generation, 0, (orjson.dumps(gone),)))
    anew = await pages.read(feed, 0)
    assert [one.seq for one in anew] == [1, 2, 3]
    assert anew[0] is not first[0]


async def test_shared_pages_are_bounded(redis: Redis, lab: TestRoom, log: Log) -> None:
    """In bytes; the oldest are forgotten."""
    await say(lab, 3 * PAGE)
    feed, pages = await feed_of(redis), Pages(log, kept_bytes=1)
    asked = await calls(redis, "xrange")
    for _ in range(2):
        assert len(await pages.read(feed, 0)) == PAGE
    assert await calls(redis, "xrange") == asked + 2


async def test_a_join_knows_how_much_was_missed(redis: Redis, lab: TestRoom) -> None:
    """In bytes, of the envelopes as they went out."""
    await say(lab, 4)
    sizes = [len(one.envelope) for one in await lab.log.read("lab", 0, 9)]
    ada = Member("ada", "Ada", Kind.HUMAN)
    for since in (0, 1, 3, 4, 99):
        joined = await Rooms(redis).join("lab", ada, granted=True, since=since)
        assert joined is not None
        assert joined.missed_bytes == sum(sizes[since:])
