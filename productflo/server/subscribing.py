"""A connection's subscriptions: joining, resuming, and what it is shown first."""

import asyncio
import sys
from dataclasses import dataclass, field

from productflo.domain.identity import Identity
from productflo.domain.position import Position
from productflo.errors import PermissionDenied
from productflo.protocol import inbound, outbound
from productflo.protocol.codec import encode
from productflo.protocol.codes import GapReason
from productflo.server.connection import Connection, Frame
from productflo.server.door import Door
from productflo.server.feed import Feed, Subscription
from productflo.server.relay import hear_answers
from productflo.service.clock import stamp
from productflo.store.rooms import Joined


@dataclass(slots=True)
class Subscriber:
    """Subscribes one connection to rooms. `tasks` owns the replays."""

    door: Door
    connection: Connection
    tasks: asyncio.TaskGroup
    rooms: set[str] = field(default_factory=set)

    async def join(self, identity: Identity, said: inbound.Join) -> None:
        """Subscribe and answer with the room as it is; missed events follow, then live ones.

        Joining again starts anew, from the position that it names. Raises what `Membership.join` raises.
        """
        room, data = said.room_id, said.data
        async with self.door.hub.feed(room) as feed:
            joined = await self._begin(identity, feed)
            gap = joined.position.gap(data.since, data.generation) if data.since is not None else None
            answer = outbound.JoinAnswer(
                user_id=identity.user_id,
                room_id=room,
                timestamp=stamp(self.door.clock),
                request_id=said.request_id,
                data=await self._shown(room, joined, resumed=data.since is not None, gap=gap),
            )
            resume = data.since if gap is None else None
            cursor = joined.position.last_seq if resume is None else resume
            subscription = Subscription(self.connection, identity.user_id, data.stream, cursor)
            self.connection.send(Frame(encode(answer)))
            self._follow(feed, subscription)

    async def subscribe(self, identity: Identity, room: str) -> None:
        """Subscribe without an answer, as a chat does."""
        async with self.door.hub.feed(room) as feed:
            joined = await self._begin(identity, feed)
            subscription = Subscription(
                self.connection, identity.user_id, stream=False, cursor=joined.position.last_seq
            )
            self._follow(feed, subscription)

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

    def is_typing(self, room: str, user: str) -> bool:
        """Whether the others see the user typing."""
        feed = self.door.hub.feeds.get(room)
        return feed is not None and feed.is_typing(user)

    async def _begin(self, identity: Identity, feed: Feed) -> Joined:
        while True:
            listenings = feed.listenings
            joined = await self.door.membership.join(identity, feed.room)
            feed.member_count = joined.member_count
            if feed.started:
                return joined
            await hear_answers(feed, self.door.runs, self.door.clock)
            if feed.listenings == listenings:  # Else the store was lost meanwhile, and the position may be.
                feed.start(joined.position.generation, joined.position.last_seq)
                return joined

    def _follow(self, feed: Feed, subscription: Subscription) -> None:
        """Subscribe, and catch up in a task of its own, so that the connection goes on reading."""
        self.rooms.add(feed.room)
        feed.subscriptions[self.connection.id] = subscription
        self.tasks.create_task(self.door.hub.catch_up(feed, subscription))

    async def _shown(
        self, room: str, joined: Joined, *, resumed: bool, gap: GapReason | None
    ) -> outbound.JoinAnswerData:
        position: Position = joined.position
        return outbound.JoinAnswerData(
            kind=joined.kind,
            member_count=joined.member_count,
            members=await self.door.membership.shown(room),
            generation=position.generation,
            last_seq=position.last_seq,
            read_seq=joined.read_seq,
            unread=joined.unread,
            continuous=True if resumed and gap is None else None,
            gap=True if gap else None,
            reason=gap,
        )
