"""Bringing feeds to where their rooms stand: another generation is told, and holes are filled from the log.

What Pub/Sub brings is a hint; the room's position and its log are the truth. Whatever is in doubt (a hole, a
channel that was lost, an event of another generation, a quiet room) ends here.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from redis.exceptions import RedisError

from productflo import metrics
from productflo.domain.position import NOWHERE, Position, is_later
from productflo.errors import ProductFloError
from productflo.protocol.answers import System, SystemData
from productflo.protocol.codec import encode
from productflo.protocol.codes import GapReason
from productflo.server.connection import Frame
from productflo.server.feed import Feed
from productflo.server.subscription import Subscription
from productflo.service.clock import Clock, stamp
from productflo.service.membership import left_notice
from productflo.store.entries import Record
from productflo.store.log import Log
from productflo.store.rooms import Rooms, State

BATCH = 100
"""Rooms looked at in one pipeline: about 3 ms of the store's time, in which it serves nobody else."""
PAGE = 100
"""Events read from the log at once to fill a hole; about 50 KB."""

Failure = RedisError | ProductFloError


@dataclass(frozen=True, slots=True)
class _Asked:
    """A feed as it was when its room's state was asked for."""

    feed: Feed
    generation: str
    listenings: int
    subscriptions: tuple[Subscription, ...]

    @classmethod
    def of(cls, feed: Feed) -> "_Asked":
        return cls(feed, feed.generation, feed.listenings, tuple(feed.subscriptions.values()))


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Compares feeds with their rooms. Methods raise what redis-py raises, and `StoreAway`."""

    rooms: Rooms
    log: Log
    clock: Clock

    async def reconcile(self, feeds: Sequence[Feed]) -> tuple[list[Feed], Failure | None]:
        """Bring feeds to where their rooms stand.

        Returns those that are still in doubt, because the store refused them or changed meanwhile, and the
        last refusal.
        """
        doubtful: list[Feed] = []
        failure: Failure | None = None
        for at in range(0, len(feeds), BATCH):
            asked = [_Asked.of(feed) for feed in feeds[at : at + BATCH] if feed.started]
            try:
                states = await self.rooms.states([one.feed.seen for one in asked])
            except RedisError as error:
                return [*doubtful, *feeds[at:]], error
            outcomes = await asyncio.gather(*map(self._apply_if_there, asked, states), return_exceptions=True)
            for one, outcome in zip(asked, outcomes, strict=True):
                if isinstance(outcome, RedisError | ProductFloError):
                    failure = outcome
                elif isinstance(outcome, BaseException):
                    raise outcome
                if outcome is not True:
                    doubtful.append(one.feed)
        return doubtful, failure

    async def settle(self, feed: Feed) -> None:
        """Bring one feed to where its room stands."""
        while True:
            doubtful, failure = await self.reconcile([feed])
            if failure:
                raise failure
            if not doubtful:
                return

    async def _apply_if_there(self, asked: _Asked, state: State | RedisError | None) -> bool:
        if isinstance(state, RedisError):
            raise state
        return await self._apply(asked, state or State(NOWHERE, 0, 0))

    async def _apply(self, asked: _Asked, state: State) -> bool:
        """Whether the feed stands where its room does now; False where the answer was too old to tell."""
        feed, position = asked.feed, state.position
        turned = position.generation != asked.generation
        doubted = turned or state.leaves > feed.leaves
        strangers = await self._strangers(asked) if doubted else []
        if feed.generation != asked.generation:
            return False  # Somebody else has found the generation changed, with an answer that may be newer.
        rewound: set[Subscription] = set()
        if turned:
            metrics.GENERATIONS.inc()
            rewound = feed.turn(
                position,
                state.leaves,
                continuous=self._generation_changed(feed.room, position, gap=False),
                rewound=self._generation_changed(feed.room, position, gap=True),
            )
        feed.leaves, feed.member_count = max(feed.leaves, state.leaves), state.member_count
        for one in strangers:
            feed.end(one, None if one in rewound else self._left(feed.room, one.user, state.member_count))
        feed.settle(asked.listenings)
        feed.heard_of(position.generation, position.last_seq)
        return await self._fill(feed, position)

    async def _strangers(self, asked: _Asked) -> list[Subscription]:
        """The subscriptions of users whose membership ended while nobody here heard of it.

        One who has just been told that the store went back is told no more of it: they join again.
        """
        users = {one.user for one in asked.subscriptions}
        members = await self.rooms.members_among(asked.feed.room, users)
        return [one for one in asked.subscriptions if one.user not in members]

    async def _fill(self, feed: Feed, position: Position) -> bool:
        """Hand on from the log what the bus dropped; what the log does not have either is told as a gap."""
        while feed.behind and feed.generation == position.generation:
            after = feed.seq
            records = await self.log.read(feed.room, after, PAGE)
            if feed.generation != position.generation or await self._has_turned(feed, records):
                return False
            if feed.seq != after:
                continue  # The bus has brought it meanwhile.
            end = records[0].seq - 1 if records else position.last_seq
            if end > after:
                feed.skip(end, self.gap(feed, end))
            elif not records:
                return False  # More was heard of than the room had, and than its log has.
            if records:
                metrics.HOLES_FILLED.inc(len(records))
                feed.advance(records[0].seq, [record.envelope for record in records])
        return True

    async def _has_turned(self, feed: Feed, records: Sequence[Record]) -> bool:
        """Whether what was read is of a generation that the feed has not been told of yet."""
        if not records or not is_later(records[-1].generation, feed.generation):
            return False
        position = await self.rooms.position(feed.room)
        return position is None or position.generation != feed.generation

    def gap(self, feed: Feed, last_seq: int) -> Frame:
        """What tells a subscription that the log has nothing for it up to this seq."""
        return self._told(
            feed.room,
            SystemData(
                code="GAP",
                message="What you have not had up to last_seq is no longer kept. The rest follows.",
                generation=feed.generation,
                last_seq=last_seq,
                gap=True,
                reason=GapReason.TRIMMED,
            ),
        )

    def _left(self, room: str, user: str, member_count: int) -> Frame:
        return Frame(left_notice(room, user, member_count, stamp(self.clock)))

    def _generation_changed(self, room: str, position: Position, *, gap: bool) -> Frame:
        lost = "The store went back to an earlier state. Forget what you have of the room; read it again."
        return self._told(
            room,
            SystemData(
                code="GENERATION_CHANGED",
                message=lost if gap else "The store was restarted, and has all that you have.",
                generation=position.generation,
                last_seq=position.last_seq,
                continuous=None if gap else True,
                gap=True if gap else None,
                reason=GapReason.REWOUND if gap else None,
            ),
        )

    def _told(self, room: str, data: SystemData) -> Frame:
        return Frame(encode(System(room_id=room, timestamp=stamp(self.clock), data=data)))
