"""From the bus to the feeds: holes are filled from the log, and doubts are settled by the room's position."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from redis.exceptions import RedisError

from productflo.errors import ProductFloError
from productflo.protocol import outbound
from productflo.protocol.codec import encode
from productflo.protocol.codes import GapReason
from productflo.server.connection import Frame
from productflo.server.feed import Feed
from productflo.server.hub import Hub
from productflo.server.presence_relay import PresenceRelay
from productflo.service.clock import Clock, stamp
from productflo.service.membership import left_notice
from productflo.service.runs import Runs
from productflo.store.bus import Bus
from productflo.store.events import Live, Logged, PieceSaid, Removed, RoomEvent, StopAsked, Typed
from productflo.store.rooms import Rooms

log = logging.getLogger(__name__)

IDLE_CHECK = 30.0
"""Seconds between looks at the position of every feed: Pub/Sub may drop the last event of a quiet room."""
RETRY_DELAY = 1.0
"""Seconds until a look that the store did not answer is tried again."""
HEAR_AGAIN = 0.35
"""Seconds until the text of a running answer is looked at again: workers save it every 0.25."""


@dataclass(slots=True)
class Relay:
    """Runs with the process; owns the tasks that mend feeds."""

    hub: Hub
    bus: Bus
    rooms: Rooms
    runs: Runs
    presence: PresenceRelay
    clock: Clock
    _doubtful: set[str] = field(default_factory=set)
    _unheard: set[str] = field(default_factory=set)
    _work: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Relay until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.bus.run(self._heard, self.presence.changed, self._listening))
            tasks.create_task(self.presence.run())
            tasks.create_task(self._mend())
            tasks.create_task(self._look_at_all())

    def _heard(self, room: str, event: RoomEvent) -> None:
        feed = self.hub.feeds.get(room)
        if feed is None:
            return
        match event:
            case Logged():
                if not feed.logged(event):
                    self._doubt(room)
            case Live():
                feed.live(event)
            case Typed():
                feed.typed(event)
            case PieceSaid():
                if not feed.piece(event):
                    self._hear(room)
                    self._hear_later(room)
            case Removed():
                feed.remove(event.user)
            case StopAsked():
                pass  # for the worker that writes the answer

    def _listening(self, room: str) -> None:
        """The room's channel is listened to, for the first time or again: something may have been missed."""
        if feed := self.hub.feeds.get(room):
            feed.listening_anew()
            self._doubt(room)
            self._hear_later(room)

    def _hear(self, room: str) -> None:
        """Pieces of an answer were missed: take the text so far from the store."""
        self._unheard.add(room)
        self._work.set()

    def _hear_later(self, room: str) -> None:
        """What was missed may not have been saved yet: look again when it has."""
        asyncio.get_running_loop().call_later(HEAR_AGAIN, self._hear, room)

    def _doubt(self, room: str) -> None:
        """Something may have been missed: look at the room's position."""
        self._doubtful.add(room)
        self._work.set()

    async def _look_at_all(self) -> None:
        while True:
            await asyncio.sleep(IDLE_CHECK)
            await self.hub.close_unused()
            for room in self.hub.feeds:
                self._doubt(room)

    async def _mend(self) -> None:
        """Work through what is due; what the store does not answer stays due."""
        while True:
            await self._work.wait()
            self._work.clear()
            try:
                await self._each(self._doubtful, self._check)
                await self._each(self._unheard, self._hear_again)
            except (RedisError, ProductFloError) as error:
                log.warning("Feeds wait for the store: %s", error)
                await asyncio.sleep(RETRY_DELAY)
                self._work.set()

    async def _each(self, due: set[str], mend: Callable[[str], Awaitable[None]]) -> None:
        """Mend what is due; what fails stays due, and does not keep the others waiting."""
        failure: RedisError | ProductFloError | None = None
        for room in list(due):
            due.discard(room)
            try:
                await mend(room)
            except (RedisError, ProductFloError) as error:
                due.add(room)
                failure = error
        if failure:
            raise failure

    async def _check(self, room: str) -> None:
        """Bring a feed to where its room stands; tell the subscribers where that is not a continuation."""
        feed = self.hub.feeds.get(room)
        if feed is None or not feed.started:
            return
        listenings, gap = feed.listenings, None
        position = await self.rooms.position(room)
        generation, last_seq = (position.generation, position.last_seq) if position else ("", 0)
        if generation != feed.generation:
            gap = position.gap(feed.seq, feed.generation) if position else GapReason.REWOUND
            if gap is GapReason.REWOUND:
                feed.restart(generation, last_seq)
            feed.generation = generation
            feed.everyone(self._generation_changed(feed))
        feed.settle(listenings)
        feed.target = max(feed.target, last_seq)
        if not await self.hub.fill(feed):
            log.warning("The log of %s has lost events after %d", room, feed.seq)
            feed.restart(generation, last_seq)
            feed.everyone(self._generation_changed(feed))
        if gap is not GapReason.REWOUND:  # Else they have just been told, and join again.
            await self._end_strangers(feed)

    async def _end_strangers(self, feed: Feed) -> None:
        """End the subscriptions of users whose membership ended while nobody here heard of it."""
        known = list(feed.subscriptions.values())
        members = await self.rooms.members_among(feed.room, {one.user for one in known})
        strangers = [one for one in known if one.user not in members]
        count = await self.rooms.member_count(feed.room) if strangers else 0
        for one in strangers:
            feed.end(one, Frame(left_notice(feed.room, one.user, count, stamp(self.clock))))

    def _generation_changed(self, feed: Feed) -> Frame:
        return Frame(
            encode(
                outbound.System(
                    room_id=feed.room,
                    timestamp=stamp(self.clock),
                    data=outbound.SystemData(
                        code="GENERATION_CHANGED",
                        message="The store was restarted. What follows last_seq counts from here.",
                        generation=feed.generation,
                        last_seq=feed.seq,
                    ),
                )
            )
        )

    async def _hear_again(self, room: str) -> None:
        """Start the room's running answers from their text so far."""
        feed = self.hub.feeds.get(room)
        if feed:
            await hear_answers(feed, self.runs, self.clock)


async def hear_answers(feed: Feed, runs: Runs, clock: Clock) -> None:
    """Take the answers being written in a room from the store, and show them to who asked for pieces."""
    while True:
        known = feed.target
        writing = await runs.running(feed.room)
        if feed.target == known:  # Else one of them may have ended meanwhile.
            break
    for running in writing:
        if running.index > feed.answers.heard_up_to(running.message_id, running.run_id):
            piece = encode(
                outbound.Piece(
                    user_id=running.assistant,
                    room_id=feed.room,
                    timestamp=stamp(clock),
                    data=outbound.PieceData(
                        message=running.text,
                        sender=running.assistant,
                        message_id=running.message_id,
                        run_id=running.run_id,
                        index=0,
                    ),
                )
            )
            feed.answers.repaired(running.message_id, running.run_id, running.index, piece)
            feed.streaming(Frame(piece))
