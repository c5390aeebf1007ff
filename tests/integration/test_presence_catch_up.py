"""Changes of presence that were made while this process could not hear them are told when it can again."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from counting import here
from redis.asyncio import Redis
from wire import Wire, wired

from productflo.protocol.codes import CloseCode, Kind, Presence, RoomKind
from productflo.server.connection import Frame
from productflo.server.hub import Hub
from productflo.server.presence_relay import BIG_ROOM, PresenceRelay
from productflo.server.roster import Rosters
from productflo.server.subscription import Subscription
from productflo.service.clock import system_clock
from productflo.service.membership import Membership
from productflo.store.bus import Bus
from productflo.store.connect import open_redis
from productflo.store.keys import PresenceKeys, presence_shard
from productflo.store.presence import PresenceStore
from productflo.store.profiles import Profiles
from productflo.store.rooms import Member, Room, Rooms
from productflo.store.teams import Teams

PATIENCE = 20.0
PEOPLE = ("ada", "bob", "eve")


class Ear:
    """A connection that keeps what it is sent."""

    id = "conn_ear"
    closed = False
    address = ""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self._next = asyncio.Event()

    def send(self, frame: Frame) -> None:
        self.told.append(json.loads(frame.envelope)["data"])
        changed, self._next = self._next, asyncio.Event()
        changed.set()

    def close(self, code: CloseCode, reason: str) -> None:
        raise AssertionError(reason)

    async def drained(self) -> None:
        return

    async def until(self, **data: Any) -> None:
        """Wait until this was told, in the envelope's data."""
        async with asyncio.timeout(PATIENCE):
            while not any(one.items() >= data.items() for one in self.told):
                await self._next.wait()

    def of(self, user: str) -> list[str]:
        """What was told of a user, in its order."""
        return [one["status"] for one in self.told if one.get("sender") == user]


@asynccontextmanager
async def relaying(redis: Redis, store_url: str) -> AsyncIterator[tuple[Ear, Wire, PresenceRelay]]:
    """A relay whose bus hangs on a wire, with an ear in a room of all people."""
    people = [Member(one, one, Kind.HUMAN) for one in PEOPLE]
    await Rooms(redis).create(Room("lab", RoomKind.OPEN, "ada"), [], people)
    async with wired(store_url) as wire, open_redis(wire.url) as through, asyncio.TaskGroup() as tasks:
        bus, ear = Bus(through), Ear()
        hub = Hub(bus)
        rooms, presence = Rooms(redis), PresenceStore(redis)
        membership = Membership(
            rooms,
            Teams(redis),
            presence,
            Profiles(redis),
            bus,
            system_clock,
            open_rooms=True,
            room_assistants=(),
        )
        relay = PresenceRelay(hub, Rosters(membership), rooms, presence, system_clock)
        running = [
            tasks.create_task(
                bus.run(lambda *_: None, relay.changed, lambda _: None, relay.listening),
            ),
            tasks.create_task(relay.run()),
        ]
        await bus.heard()
        async with hub.feed("lab") as feed:
            subscription = Subscription(ear, "watcher", stream=False)
            feed.follow(subscription)
            feed.go_live(subscription)
            yield ear, wire, relay
        for one in running:
            one.cancel()


async def test_what_the_bus_missed_is_told_once(redis: Redis, store_url: str) -> None:
    """Of each user as they are now, and only of those who changed; what follows is heard as before."""
    store, before = PresenceStore(redis), here("presence_caught_up_total")
    async with relaying(redis, store_url) as (ear, wire, _):
        await store.beat([("ada", "tab1"), ("bob", "tab2")])
        await ear.until(sender="bob", status="online")
        await ear.until(sender="ada", status="online")
        await wire.cut()
        for word in (Presence.AWAY, Presence.BUSY):
            await store.say("bob", word)
        await store.beat([("eve", "tab3")])
        await wire.mend()
        await ear.until(sender="bob", status="busy")
        await ear.until(sender="eve", status="online")
        await store.say("ada", Presence.AWAY)
        await ear.until(sender="ada", status="away")
        told = {user: ear.of(user) for user in PEOPLE}
        assert told == {"ada": ["online", "away"], "bob": ["online", "busy"], "eve": ["online"]}
    assert here("presence_caught_up_total") == before + 2


async def test_a_big_room_is_counted_anew(redis: Redis, store_url: str) -> None:
    """Who came while the bus was away counts."""
    store = PresenceStore(redis)
    async with relaying(redis, store_url) as (ear, wire, relay):
        relay.hub.feeds["lab"].member_count = BIG_ROOM + 1
        await wire.cut()
        await store.beat([("ada", "tab1"), ("bob", "tab2")])
        await wire.mend()
        await ear.until(here=2)
        assert ear.of("ada") == []


async def test_a_start_tells_nothing(redis: Redis, store_url: str) -> None:
    """Who was there before this process is shown to those who join, not told."""
    store = PresenceStore(redis)
    await store.beat([("ada", "tab1")])
    async with relaying(redis, store_url) as (ear, _, _):
        await store.beat([("bob", "tab2")])
        await ear.until(sender="bob", status="online")
        assert ear.of("ada") == []


async def test_what_is_heard_twice_is_told_once(redis: Redis, store_url: str) -> None:
    """What the store gave to catch up may still come over the bus."""
    store = PresenceStore(redis)
    async with relaying(redis, store_url) as (ear, _, relay):
        await store.beat([("ada", "tab1")])
        await ear.until(sender="ada", status="online")
        words = PresenceKeys(presence_shard("ada")).words
        relay.changed("ada", (await redis.hget(words, "ada")).decode())
        await store.beat([("bob", "tab2")])
        await ear.until(sender="bob", status="online")
        assert ear.of("ada") == ["online"]
