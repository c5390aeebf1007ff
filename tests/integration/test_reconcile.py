"""Feeds that lost track of their rooms: what they missed is handed on, and what is gone is told."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from ears import Ear, follow
from redis.asyncio import Redis
from redis.exceptions import RedisError
from rooms import PATIENCE, TestRoom, make_room, writing

from productflo.protocol.codes import Kind
from productflo.server import relay as relay_module
from productflo.server.feed import Feed
from productflo.server.hub import Hub
from productflo.server.pages import PAGE, Pages
from productflo.server.presence_relay import PresenceRelay
from productflo.server.reconcile import BATCH, Reconciler
from productflo.server.relay import Relay
from productflo.server.replay import Replay
from productflo.server.roster import Rosters
from productflo.service.clock import system_clock
from productflo.service.membership import Membership
from productflo.service.runs import Runs
from productflo.service.wakeups import Wakeups
from productflo.store.bus import Bus
from productflo.store.entries import Record
from productflo.store.events import Logged
from productflo.store.keys import RoomKeys
from productflo.store.log import Log
from productflo.store.retention import Retention
from productflo.store.rooms import Member, Rooms, State
from productflo.store.store import Store

LAB = RoomKeys("lab")


@pytest.fixture
async def log(redis: Redis) -> AsyncIterator[Log]:
    """A log that commits."""
    async with writing(redis) as log:
        yield log


@pytest.fixture
async def lab(redis: Redis, log: Log) -> TestRoom:
    """A room of ada and bob."""
    return await make_room(redis, log, "lab", people=("ada", "bob"), assistants=())


@pytest.fixture
def reconciler(redis: Redis, log: Log) -> Reconciler:
    """On the test's store."""
    return Reconciler(Rooms(redis), log, system_clock)


async def say(room: TestRoom, count: int) -> None:
    """Say so many things."""
    await asyncio.gather(*(room.say("ada", f"{number}") for number in range(count)))


async def feed_of(redis: Redis, name: str = "lab") -> Feed:
    """A feed that stands where its room does."""
    [state] = await Rooms(redis).states([(name, "", 0)])
    assert state is not None
    assert not isinstance(state, Exception)
    feed = Feed(name)
    feed.start(state.position.generation, state.position.last_seq, state.leaves)
    return feed


async def calls(redis: Redis, *commands: str) -> int:
    """How often the store was asked so."""
    stats: dict[str, dict[str, int]] = await redis.info("commandstats")
    return sum(stats.get(f"cmdstat_{command}", {"calls": 0})["calls"] for command in commands)


async def test_what_the_bus_dropped_comes_from_the_log(
    redis: Redis, lab: TestRoom, reconciler: Reconciler
) -> None:
    """In its order, once; also the last event of a quiet room, of which no later one tells."""
    feed, ear = await feed_of(redis), Ear("1")
    follow(feed, ear, "ada", cursor=0, live=True)
    await say(lab, 2 * PAGE + 3)
    await reconciler.settle(feed)
    assert ear.heard == list(range(1, 2 * PAGE + 4))
    assert not feed.behind


async def test_what_was_trimmed_meanwhile_is_told_to_who_is_live(
    redis: Redis, lab: TestRoom, reconciler: Reconciler
) -> None:
    """Up to where; and the rest follows."""
    feed, ear = await feed_of(redis), Ear("1")
    follow(feed, ear, "ada", cursor=0, live=True)
    await say(lab, 9)
    await redis.xtrim(LAB.log, minid="7", approximate=False)
    await reconciler.settle(feed)
    assert ear.heard == ["GAP trimmed 6", 7, 8, 9]


async def test_a_log_that_lost_its_end_is_told(redis: Redis, lab: TestRoom, reconciler: Reconciler) -> None:
    """The room says that there were more events than its log has."""
    feed, ear = await feed_of(redis), Ear("1")
    follow(feed, ear, "ada", cursor=0, live=True)
    await say(lab, 5)
    await redis.delete(LAB.log)
    await reconciler.settle(feed)
    assert ear.heard == ["GAP trimmed 5"]
    await say(lab, 1)
    await reconciler.settle(feed)
    assert ear.heard == ["GAP trimmed 5", 6]


async def test_a_wiped_room_is_told_though_nobody_speaks(
    redis: Redis, lab: TestRoom, reconciler: Reconciler
) -> None:
    """And once; who was a member is none any more, and has to join again."""
    await say(lab, 5)
    feed, ear = await feed_of(redis), Ear("1")
    follow(feed, ear, "ada", cursor=5, live=True)
    await redis.flushall()
    await reconciler.settle(feed)
    await reconciler.settle(feed)
    assert ear.heard == ["GENERATION_CHANGED rewound 0"]
    assert feed.subscriptions == {}


async def test_a_room_put_back_under_a_running_server_is_told(
    redis: Redis, lab: TestRoom, reconciler: Reconciler
) -> None:
    """Its keys were restored, and the server's run_id is the same: the room has less than was seen of it."""
    await say(lab, 3)
    backup = {key: await redis.dump(key) for key in await redis.keys("{lab}:*")}
    await say(lab, 3)
    feed, ear = await feed_of(redis), Ear("1")
    follow(feed, ear, "ada", cursor=6, live=True)
    before = feed.generation
    for key, value in backup.items():
        await redis.restore(key, 0, value, replace=True)
    await reconciler.settle(feed)
    assert ear.heard == ["GENERATION_CHANGED rewound 3"]
    await say(lab, 4)
    position = await Rooms(redis).position("lab")
    assert position is not None
    assert position.last_seq == 7
    assert [position.gap(seq, before) for seq in (3, 4, 6)] == [None, "rewound", "rewound"]


async def test_who_has_less_than_was_lost_goes_on(
    redis: Redis, lab: TestRoom, reconciler: Reconciler, log: Log
) -> None:
    """Each subscription is told by itself, though the new log has grown past both of them."""
    await say(lab, 3)
    backup = {key: await redis.dump(key) for key in await redis.keys("{lab}:*")}
    await say(lab, 3)
    feed, ahead, behind = await feed_of(redis), Ear("1"), Ear("2")
    follow(feed, ahead, "ada", cursor=6, live=True)
    slow = follow(feed, behind, "bob", cursor=2)
    for key, value in backup.items():
        await redis.restore(key, 0, value, replace=True)
    await redis.hdel(LAB.meta, "run_id")
    await say(lab, 9)
    await reconciler.settle(feed)
    await Replay(Pages(log), reconciler).catch_up(feed, slow)
    assert ahead.heard == ["GENERATION_CHANGED rewound 12"]
    assert behind.heard == ["GENERATION_CHANGED goes on 12", *range(3, 13)]


async def test_strangers_are_looked_for_where_a_membership_ended(
    redis: Redis, lab: TestRoom, reconciler: Reconciler
) -> None:
    """And nowhere else: a look at a quiet room asks for no members."""
    feed, ada, bob = await feed_of(redis), Ear("1"), Ear("2")
    follow(feed, ada, "ada", cursor=0, live=True)
    follow(feed, bob, "bob", cursor=0, live=True)
    asked = await calls(redis, "hmget")
    await reconciler.settle(feed)
    assert await calls(redis, "hmget") == asked + 2  # The script's own.
    await Rooms(redis).leave("lab", "bob", b"{")
    await reconciler.settle(feed)
    assert (ada.heard, bob.heard, set(feed.subscriptions)) == ([], ["leave"], {"1"})


async def test_one_broken_room_keeps_no_other_waiting(redis: Redis, log: Log, reconciler: Reconciler) -> None:
    """Many rooms are looked at in few pipelines; the broken one stays in doubt."""
    names = [f"room{number}" for number in range(BATCH + 20)]
    feeds = []
    for name in names:
        room = await make_room(redis, log, name, assistants=())
        feeds.append(await feed_of(redis, name))
        await say(room, 1)
    await redis.set(RoomKeys("room7").meta, "what is this")
    doubtful, failure = await reconciler.reconcile(feeds)
    assert [feed.room for feed in doubtful] == ["room7"]
    assert failure is not None
    assert {feed.room for feed in feeds if feed.seq == 1} == {*names} - {"room7"}


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


@dataclass(frozen=True, slots=True)
class HeldRooms(Rooms):
    """As `HeldLog`."""

    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def states(self, seen: Sequence[tuple[str, str, int]]) -> list[State | RedisError | None]:
        found = await Rooms.states(self, seen)
        await self.go.wait()
        return found


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


async def test_a_hole_that_reaches_into_another_generation_is_told_first(
    redis: Redis, lab: TestRoom, reconciler: Reconciler, log: Log
) -> None:
    """The position was read before the store restarted, the log after it."""
    await say(lab, 5)
    rooms = HeldRooms(redis)
    feed, ear = await feed_of(redis), Ear("1")
    follow(feed, ear, "ada", cursor=5, live=True)
    await say(lab, 1)
    looking = asyncio.create_task(Reconciler(rooms, log, system_clock).reconcile([feed]))
    await asyncio.wait({looking}, timeout=0.05)
    await redis.hdel(LAB.meta, "run_id")
    await say(lab, 2)
    rooms.go.set()
    assert await looking == ([feed], None)
    await reconciler.settle(feed)
    assert ear.heard == ["GENERATION_CHANGED goes on 8", 6, 7, 8]


async def test_a_state_that_is_older_than_what_is_known_is_not_used(
    redis: Redis, lab: TestRoom, reconciler: Reconciler, log: Log
) -> None:
    """Two looked at once, and the first one's answer came last: it has to look again."""
    await say(lab, 3)
    rooms = HeldRooms(redis)
    feed, ear = await feed_of(redis), Ear("1")
    follow(feed, ear, "ada", cursor=3, live=True)
    await redis.hdel(LAB.meta, "run_id")
    first = asyncio.create_task(Reconciler(rooms, log, system_clock).reconcile([feed]))
    await asyncio.wait({first}, timeout=0.05)
    await redis.hdel(LAB.meta, "run_id")
    await reconciler.settle(feed)
    rooms.go.set()
    assert await first == ([feed], None)
    assert ear.heard == ["GENERATION_CHANGED goes on 3"]


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
    assert first[0].frame is again[0].frame
    gone: dict[str, Any] = {"status": "success", "code": "delete", "data": {"seq": 4, "message_seq": 1}}
    feed.logged(Logged(4, feed.generation, 0, (orjson.dumps(gone),)))
    anew = await pages.read(feed, 0)
    assert [one.seq for one in anew] == [1, 2, 3]
    assert anew[0].frame is not first[0].frame


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


async def test_a_quiet_room_is_looked_at_by_itself(
    redis: Redis,
    lab: TestRoom,
    log: Log,
    reconciler: Reconciler,
    store_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The bus brings nothing of what is said, and nothing is in doubt."""
    monkeypatch.setattr(relay_module, "TICK", 0.02)
    monkeypatch.setattr(relay_module, "IDLE_CHECK", (0.02, 0.05))
    store = Store.on(redis, Bus(redis), retention=Retention(1000))
    hub, rosters = (
        Hub(store.bus),
        Rosters(
            Membership(
                store.rooms, store.teams, store.presence, store.profiles, store.bus, system_clock, True, ()
            )
        ),
    )
    people = PresenceRelay(hub, rosters, store.rooms, store.presence, system_clock)
    runs = Runs(store.runs, store.rooms, log, Wakeups(redis))
    relay = Relay(hub, store.bus, reconciler, rosters, runs, people, system_clock)
    feed = hub.feeds["lab"] = await feed_of(redis)
    ear = Ear("1")
    follow(feed, ear, "ada", cursor=0, live=True)
    running = asyncio.create_task(relay.run())
    try:
        await say(lab, 1)
        async with asyncio.timeout(PATIENCE):
            while ear.heard != [1]:
                await ear.more()
    finally:
        running.cancel()
        await asyncio.wait({running})
