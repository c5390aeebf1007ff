"""The first of a process to join a room, while others talk in it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from ears import Ear
from redis.asyncio import Redis
from rooms import KEPT, PATIENCE, TestRoom, make_room, writing

from productflo.domain.identity import Identity
from productflo.protocol import inbound
from productflo.server.feed import Feed
from productflo.server.hub import Hub
from productflo.server.pages import Pages
from productflo.server.presence_relay import PresenceRelay
from productflo.server.reconcile import Reconciler
from productflo.server.relay import Relay
from productflo.server.replay import Replay
from productflo.server.roster import Rosters
from productflo.server.subscribing import Subscriber
from productflo.service.clock import system_clock
from productflo.service.membership import Membership
from productflo.service.runs import Runs
from productflo.service.wakeups import Wakeups
from productflo.store.bus import Bus
from productflo.store.events import Logged
from productflo.store.log import Log
from productflo.store.rooms import Joined
from productflo.store.store import Store


class NotingFeed(Feed):
    """Tells when the bus has brought a durable event."""

    def __init__(self, room: str) -> None:
        super().__init__(room)
        self.heard = asyncio.Event()

    def logged(self, event: Logged) -> bool:
        """Take it."""
        taken = super().logged(event)
        self.heard.set()
        return taken


@dataclass(frozen=True, slots=True)
class InterruptedMembership(Membership):
    """Somebody says a word after a join has read the room's position, and the bus brings it at once."""

    lab: TestRoom
    feed: "NotingFeed"

    async def join(self, identity: Identity, room_id: str, since: int | None = None) -> Joined:
        joined = await Membership.join(self, identity, room_id, since)
        if not self.feed.started:
            await self.lab.say("bob", "the last word")
            await asyncio.wait_for(self.feed.heard.wait(), PATIENCE)
        return joined


@asynccontextmanager
async def door(redis: Redis, log: Log, lab: TestRoom) -> AsyncIterator[Any]:
    """What a join needs of a process, and its relay at work."""
    store = Store.on(redis, Bus(redis), retention=KEPT)
    hub, reconciler = Hub(store.bus), Reconciler(store.rooms, log, system_clock)
    feed = hub.feeds["lab"] = NotingFeed("lab")
    membership = InterruptedMembership(
        store.rooms,
        store.teams,
        store.presence,
        store.profiles,
        store.bus,
        system_clock,
        open_rooms=True,
        room_assistants=(),
        lab=lab,
        feed=feed,
    )
    rosters, runs = Rosters(membership), Runs(store.runs, store.rooms, log, Wakeups(redis))
    people = PresenceRelay(hub, rosters, store.rooms, store.presence, system_clock)
    relay = Relay(hub, store.bus, reconciler, rosters, runs, people, system_clock)
    running = asyncio.create_task(relay.run())
    try:
        yield SimpleNamespace(
            hub=hub,
            membership=membership,
            rosters=rosters,
            replay=Replay(Pages(log), reconciler),
            runs=runs,
            clock=system_clock,
        )
    finally:
        running.cancel()
        await asyncio.wait({running})


async def test_a_word_between_the_position_and_the_first_subscription_is_heard(redis: Redis) -> None:
    """Though nobody says another one, which would tell of it: it is not left to the idle check."""
    ear = Ear("1")
    async with writing(redis) as log:
        lab = await make_room(redis, log, "lab", people=("ada", "bob"), assistants=())
        async with door(redis, log, lab) as opened, asyncio.TaskGroup() as tasks:
            subscriber = Subscriber(opened, ear, tasks)
            said = inbound.Join(code="join", user_id="ada", room_id="lab", data=inbound.JoinData())
            await subscriber.join(Identity("ada", "Ada"), said)
            async with asyncio.timeout(PATIENCE):
                while ear.heard != ["join", 1]:
                    await ear.more()
