"""A connection's subscriptions: joining, resuming, and what it is shown first."""

import sys
from dataclasses import dataclass, field

from productflo import metrics
from productflo.domain.identity import Identity
from productflo.errors import PermissionDenied, TooLarge
from productflo.protocol import inbound
from productflo.protocol.answers import JoinAnswer, JoinAnswerData, with_members
from productflo.protocol.codec import encode
from productflo.protocol.codes import GapReason
from productflo.server.connection import Connection, Frame
from productflo.server.door import Door, Tasks
from productflo.server.feed import Feed
from productflo.server.relay import hear_answers
from productflo.server.subscription import Subscription
from productflo.service.clock import stamp
from productflo.store.rooms import Joined

ROOMS = 1_000
"""Rooms that one connection may hear: more than anybody reads, and some 500 KB of this process's memory."""


@dataclass(slots=True)
class Subscriber:
    """Subscribes one connection to rooms. `tasks` owns the replays."""

    door: Door
    connection: Connection
    tasks: Tasks
    rooms: set[str] = field(default_factory=set)

    async def join(self, identity: Identity, said: inbound.Join) -> None:
        """Subscribe and answer with the room as it is; missed events follow, then live ones.

        Joining again starts anew, from the position that it names. Raises what `Membership.join` raises, and
        `TooLarge` for more rooms than a connection may hear.
        """
        room, data = said.room_id, said.data
        self._leave_room_for(room)
        async with self.door.hub.entrance(), self.door.hub.feed(room) as feed:
            while True:
                joined = await self._begin(identity, feed, data.since)
                roster = await self.door.rosters.of(
                    room, identity.user_id, joined.member_count, joined.leaves
                )
                if feed.generation == joined.position.generation:
                    break
            gap = None
            if data.since is not None:
                gap = joined.position.gap(data.since, data.generation, joined.missed_bytes)
                metrics.RESUMES.labels(gap or "continuous").inc()
            answer = JoinAnswer(
                user_id=identity.user_id,
                room_id=room,
                timestamp=stamp(self.door.clock),
                request_id=said.request_id,
                data=_shown(joined, resumed=data.since is not None, gap=gap),
            )
            self.connection.send(Frame(with_members(encode(answer), roster.encoded())))
            resumed_at = data.since if gap is None else None
            self._follow(feed, identity, joined, stream=data.stream, since=resumed_at)

    async def subscribe(self, identity: Identity, room: str) -> None:
        """Subscribe without an answer, as a chat does."""
        self._leave_room_for(room)
        async with self.door.hub.entrance(), self.door.hub.feed(room) as feed:
            joined = await self._begin(identity, feed, None)
            self._follow(feed, identity, joined, stream=False, since=None)

    def subscribed(self, room: str) -> bool:
        """Whether this connection hears the room."""
        feed = self.door.hub.feeds.get(room)
        return feed is not None and self.connection.id in feed.subscriptions

    def position(self, room: str) -> int:
        """The seq up to which this connection has heard the room; beyond all where it hears nothing more."""
        feed = self.door.hub.feeds.get(room)
        subscription = feed.subscriptions.get(self.connection.id) if feed else None
        return subscription.cursor if subscription else sys.maxsize

    def require(self, room: str) -> None:
        """Raises `PermissionDenied` unless this connection hears the room."""
        if not self.subscribed(room):
            raise PermissionDenied(f"Join {room} first.", field="room_id")

    def _leave_room_for(self, room: str) -> None:
        """Raises `TooLarge` where the connection hears as many rooms as it may."""
        if len(self.rooms) >= ROOMS and room not in self.rooms:
            self.rooms = {one for one in self.rooms if self.subscribed(one)}
            if len(self.rooms) >= ROOMS:
                raise TooLarge(
                    f"A connection hears at most {ROOMS} rooms. Open another one for more.", field="room_id"
                )

    async def _begin(self, identity: Identity, feed: Feed, since: int | None) -> Joined:
        """Join at a moment at which the feed stands in the room's own generation."""
        while True:
            listenings = feed.listenings
            joined = await self.door.membership.join(identity, feed.room, since)
            if not feed.started:
                await hear_answers(feed, self.door.runs, self.door.clock)
                if feed.listenings == listenings:  # Else the store was lost meanwhile.
                    feed.start(joined.position.generation, joined.position.last_seq, joined.leaves)
            elif feed.generation != joined.position.generation:
                await self.door.replay.reconciler.settle(feed)
            if feed.started and feed.behind:
                # Said after the position was read, and heard before the feed could hand it on: no later
                # event may come to tell of it.
                await self.door.replay.reconciler.settle(feed)
            if feed.started and feed.generation == joined.position.generation:
                feed.member_count = joined.member_count
                return joined

    def _follow(
        self, feed: Feed, identity: Identity, joined: Joined, *, stream: bool, since: int | None
    ) -> None:
        """Subscribe, and catch up in a task of its own, so that the connection goes on reading."""
        if self.connection.closed:
            return
        cursor = joined.position.last_seq if since is None else since
        subscription = Subscription(self.connection, identity.user_id, stream, cursor, joined.leaves)
        if feed.follow(subscription):
            self.rooms.add(feed.room)
            if cursor >= feed.seq:  # Nothing was missed.
                feed.go_live(subscription)
                return
            self.tasks.create_task(self.door.replay.catch_up(feed, subscription))


def _shown(joined: Joined, *, resumed: bool, gap: GapReason | None) -> JoinAnswerData:
    """What the answer tells, but for the members."""
    return JoinAnswerData(
        kind=joined.kind,
        member_count=joined.member_count,
        members=[],
        generation=joined.position.generation,
        last_seq=joined.position.last_seq,
        read_seq=joined.read_seq,
        unread=joined.unread,
        continuous=True if resumed and gap is None else None,
        gap=True if gap else None,
        reason=gap,
    )
