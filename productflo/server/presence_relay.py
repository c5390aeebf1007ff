"""From changes of presence to those who should hear of them.

Each connection that shares a room with the user hears of a change once. Members of a big room hear how many
are there instead, at most once a second: in a room of a thousand each one's coming and going is noise.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from redis.exceptions import RedisError

from productflo import metrics
from productflo.domain.passing import Passing
from productflo.domain.presence import Word
from productflo.protocol.activity import PresenceCount, PresenceCountData
from productflo.protocol.codec import encode
from productflo.protocol.codes import Presence
from productflo.server.connection import Frame
from productflo.server.feed import Feed
from productflo.server.hub import Hub
from productflo.server.roster import Rosters
from productflo.server.subscription import Subscription
from productflo.service.attendance import presence_notice
from productflo.service.clock import Clock, stamp
from productflo.store.keys import presence_shard
from productflo.store.presence import PresenceStore
from productflo.store.refusals import note
from productflo.store.rooms import Rooms

BIG_ROOM = 200
"""Members above which a room hears counts."""
COUNT = 1.0
"""Seconds between two counts of a room."""
AT_ONCE = 64
"""Users whose rooms are asked for together."""
RETRY_DELAY = 1.0
"""Seconds until what the store did not answer is tried again."""


@dataclass(slots=True)
class PresenceRelay:
    """Hands on what the bus tells of presence. `changed` and `listening` never block; `run()` works."""

    hub: Hub
    rosters: Rosters
    rooms: Rooms
    presence: PresenceStore
    clock: Clock
    _changes: dict[str, Word] = field(default_factory=dict)
    _heard: dict[int, int] = field(default_factory=dict)
    _listenings: dict[int, int] = field(default_factory=dict)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _big: set[str] = field(default_factory=set)

    def changed(self, user: str, word: str) -> None:
        """A user's `word|epoch` is new."""
        shard, new = presence_shard(user), Word.parse(word)
        if shard not in self._listenings:
            if new.epoch <= self._heard.get(shard, 0):
                return  # What was missed has been told up to there already.
            self._heard[shard] = new.epoch
        self._note(user, new)
        self._arrived.set()

    def listening(self, shard: int) -> None:
        """A shard's channel is listened to, for the first time or again: changes may have been missed."""
        self._listenings[shard] = self._listenings.get(shard, 0) + 1
        self._arrived.set()

    async def run(self) -> None:
        """Tell of changes until cancelled; those that the store kept from being told are told later."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tell_changes())
            tasks.create_task(self._tell_counts())

    def _note(self, user: str, word: Word) -> None:
        """Of several changes that have not been told yet the newest is."""
        if user not in self._changes or self._changes[user].epoch < word.epoch:
            self._changes[user] = word
            self.rosters.present(user, word.presence)

    async def _tell_changes(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            try:
                if self._listenings:
                    await self._catch_up()
                while self._changes:
                    await self._tell(dict(islice(self._changes.items(), AT_ONCE)))
            except RedisError as error:
                note(error)
                await asyncio.sleep(RETRY_DELAY)
                self._arrived.set()

    async def _catch_up(self) -> None:
        """Note what changed while shards were not listened to: of each user the present word."""
        listenings = dict(self._listenings)
        missed = await self.presence.missed({shard: self._heard.get(shard) for shard in listenings})
        for shard, (epoch, words) in missed.items():
            if self._listenings[shard] != listenings[shard]:
                continue  # Lost again meanwhile: `listening` has asked for another look.
            del self._listenings[shard]
            self._heard[shard] = epoch
            metrics.PRESENCE_CAUGHT_UP.inc(len(words))
            for user, word in words.items():
                self._note(user, Word.parse(word))

    async def _tell(self, changes: Mapping[str, Word]) -> None:
        """Tell of changes, whose users' rooms are asked for together; those that are told are done with."""
        rooms = await self.rooms.rooms_of_each(list(changes))
        for (user, word), theirs in zip(changes.items(), rooms, strict=True):
            if self._changes[user] == word:
                self._tell_one(user, word.presence, theirs)
                del self._changes[user]

    def _tell_one(self, user: str, presence: Presence, rooms: Sequence[str]) -> None:
        told: dict[str, Subscription] = {}
        for room in rooms:
            feed = self.hub.feeds.get(room)
            if feed is None:
                continue
            if presence is Presence.OFFLINE:
                feed.stop_typing(user)
            if feed.member_count > BIG_ROOM:
                self._big.add(room)
                continue
            for key, subscription in feed.subscriptions.items():
                if key not in told or subscription.live:
                    told[key] = subscription
        if told:
            frame = Frame(presence_notice(user, presence, stamp(self.clock)), Passing.PRESENCE)
            for subscription in told.values():
                subscription.hand(frame)

    async def _tell_counts(self) -> None:
        while True:
            await asyncio.sleep(COUNT)
            for room in list(self._big):
                self._big.discard(room)
                if feed := self.hub.feeds.get(room):
                    try:
                        await self._count(feed)
                    except RedisError as error:
                        self._big.add(room)
                        note(error)

    async def _count(self, feed: Feed) -> None:
        members = await self.rooms.member_ids(feed.room)
        presence = await self.presence.of(members, feed.room)
        here = sum(one is not Presence.OFFLINE for one in presence.values())
        count = PresenceCount(
            room_id=feed.room,
            timestamp=stamp(self.clock),
            data=PresenceCountData(here=here, member_count=len(members)),
        )
        feed.everyone(Frame(encode(count), Passing.PRESENCE))
