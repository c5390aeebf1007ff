"""Feeds that lost track of their rooms: what they missed is handed on, and what is gone is told."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import feeds
import pytest
from ears import Ear, follow
from feeds import LAB, calls, feed_of, say
from redis.asyncio import Redis
from redis.exceptions import RedisError
from rooms import PATIENCE, TestRoom, make_room

from productflo.server import relay as relay_module
from productflo.server.feed import Feed
from productflo.server.hub import Hub
from productflo.server.pages import PAGE, Pages
from productflo.server.presence_relay import PresenceRelay
from productflo.server.reconcile import BATCH, Failure, Reconciler
from productflo.server.relay import Relay
from productflo.server.replay import Replay
from productflo.server.roster import Rosters
from productflo.service.clock import system_clock
from productflo.service.membership import Membership
from productflo.service.runs import Runs
from productflo.service.wakeups import Wakeups
from productflo.store.bus import Bus
from productflo.store.keys import RoomKeys
from productflo.store.log import Log
from productflo.store.retention import Retention
from productflo.store.rooms import Rooms, State
from productflo.store.store import Store

log, lab, reconciler = feeds.log, feeds.lab, feeds.reconciler


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


@dataclass(frozen=True, slots=True)
class HeldRooms(Rooms):
    """Answers are there, and handed over only when they are let go."""

    go: asyncio.Event = field(default_factory=asyncio.Event)
    answered: asyncio.Event = field(default_factory=asyncio.Event)

    async def states(self, seen: Sequence[tuple[str, str, int]]) -> list[State | RedisError | None]:
        found = await Rooms.states(self, seen)
        self.answered.set()
        await self.go.wait()
        return found


async def looked(rooms: HeldRooms, log: Log, feed: Feed) -> asyncio.Task[tuple[list[Feed], Failure | None]]:
    """A look at the room's state that the store has answered, held until `rooms` lets it go."""
    looking = asyncio.create_task(Reconciler(rooms, log, system_clock).reconcile([feed]))
    await rooms.answered.wait()
    return looking


async def test_a_hole_that_reaches_into_another_generation_is_told_first(
    redis: Redis, lab: TestRoom, reconciler: Reconciler, log: Log
) -> None:
    """The position was read before the store restarted, the log after it."""
    await say(lab, 5)
    rooms = HeldRooms(redis)
    feed, ear = await feed_of(redis), Ear("1")
    follow(feed, ear, "ada", cursor=5, live=True)
    await say(lab, 1)
    looking = await looked(rooms, log, feed)
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
    first = await looked(rooms, log, feed)
    await redis.hdel(LAB.meta, "run_id")
    await reconciler.settle(feed)
    rooms.go.set()
    assert await first == ([feed], None)
    assert ear.heard == ["GENERATION_CHANGED goes on 3"]


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
