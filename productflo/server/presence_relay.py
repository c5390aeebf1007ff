"""From changes of presence to those who should hear of them.

Each connection that shares a room with the user hears of a change once. Members of a big room hear how many
are there instead, at most once a second: in a room of a thousand each one's coming and going is noise.
"""

import asyncio
import logging
from dataclasses import dataclass, field

from redis.exceptions import RedisError

from productflo.domain.passing import Passing
from productflo.domain.presence import Word
from productflo.protocol import outbound
from productflo.protocol.codec import encode
from productflo.protocol.codes import Presence
from productflo.server.connection import Frame
from productflo.server.feed import Feed, Subscription
from productflo.server.hub import Hub
from productflo.service.attendance import presence_notice
from productflo.service.clock import Clock, stamp
from productflo.store.presence import PresenceStore
from productflo.store.rooms import Rooms

log = logging.getLogger(__name__)

BIG_ROOM = 200
"""Members above which a room hears counts."""
COUNT = 1.0
"""Seconds between two counts of a room."""
RETRY_DELAY = 1.0
"""Seconds until what the store did not answer is tried again."""


@dataclass(slots=True)
class PresenceRelay:
    """Hands on what the bus tells of presence. `changed` never blocks; `run()` does the work."""

    hub: Hub
    rooms: Rooms
    presence: PresenceStore
    clock: Clock
    _changes: dict[str, str] = field(default_factory=dict)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _big: set[str] = field(default_factory=set)

    def changed(self, user: str, word: str) -> None:
        """A user's `word|epoch` is new; one that has not been told yet is replaced."""
        self._changes.pop(user, None)
        self._changes[user] = word
        self._arrived.set()

    async def run(self) -> None:
        """Tell of changes until cancelled; those that the store kept from being told are told later."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tell_changes())
            tasks.create_task(self._tell_counts())

    async def _tell_changes(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            try:
                while self._changes:
                    user, word = next(iter(self._changes.items()))
                    await self._tell(user, Word.parse(word).presence)
                    if self._changes.get(user) == word:
                        del self._changes[user]
            except RedisError as error:
                log.warning("Presence waits for the store: %s", error)
                await asyncio.sleep(RETRY_DELAY)
                self._arrived.set()

    async def _tell(self, user: str, presence: Presence) -> None:
        told: dict[str, Subscription] = {}
        for room in await self.rooms.rooms_of(user):
            feed = self.hub.feeds.get(room)
            if feed is None:
                continue
            if feed.member_count > BIG_ROOM:
                self._big.add(room)
                continue
            for key, subscription in feed.subscriptions.items():
                if key not in told or subscription.live:
                    told[key] = subscription
        frame = Frame(presence_notice(user, presence, stamp(self.clock)), Passing.PRESENCE)
        for subscription in told.values():
            subscription.hand(frame)

    async def _tell_counts(self) -> None:
        while True:
            await asyncio.sleep(COUNT)
            while self._big:
                room = self._big.pop()
                if feed := self.hub.feeds.get(room):
                    try:
                        await self._count(feed)
                    except RedisError as error:
                        log.info("The count of %s is told with its next change: %s", room, error)

    async def _count(self, feed: Feed) -> None:
        members = await self.rooms.member_ids(feed.room)
        presence = await self.presence.of(members, feed.room)
        here = sum(one is not Presence.OFFLINE for one in presence.values())
        count = outbound.PresenceCount(
            room_id=feed.room,
            timestamp=stamp(self.clock),
            data=outbound.PresenceCountData(here=here, member_count=len(members)),
        )
        feed.everyone(Frame(encode(count), Passing.PRESENCE))
