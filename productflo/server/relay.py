"""From the bus to the feeds: holes are filled from the log, and doubts are settled by the room's position."""

import asyncio
from dataclasses import dataclass, field
from random import uniform

from redis.exceptions import RedisError

from productflo import metrics, tallies
from productflo.errors import ProductFloError
from productflo.protocol.activity import Piece, PieceData
from productflo.protocol.codec import encode
from productflo.server.connection import Frame
from productflo.server.feed import Feed
from productflo.server.hub import Hub
from productflo.server.presence_relay import PresenceRelay
from productflo.server.reconcile import Reconciler
from productflo.server.roster import Rosters
from productflo.service.clock import Clock, stamp
from productflo.service.runs import Runs
from productflo.store.bus import Bus
from productflo.store.events import Entered, Live, Logged, PieceSaid, Removed, RoomEvent, StopAsked, Typed
from productflo.store.refusals import note

IDLE_CHECK = (25.0, 40.0)
"""Seconds, at random, between looks at the position of a feed: Pub/Sub may drop the last event of a quiet
room. Each look is a part of a pipeline; spread out, 10,000 rooms are some 300 a second."""
CLOSE_UNUSED = 30.0
"""Seconds between looks for feeds that nobody is subscribed to."""
TICK = 1.0
"""Seconds between looks for feeds that are due."""
RETRY_DELAY = 1.0
"""Seconds until a look that the store did not answer is tried again."""
HEAR_AGAIN = 0.35
"""Seconds until the text of a running answer is looked at again: workers save it every 0.25."""

_LAG = tallies.Spread(metrics.FAN_OUT_LAG_SECONDS)


@dataclass(slots=True)
class Relay:
    """Runs with the process; owns the tasks that mend feeds."""

    hub: Hub
    bus: Bus
    reconciler: Reconciler
    rosters: Rosters
    runs: Runs
    presence: PresenceRelay
    clock: Clock
    _doubtful: set[str] = field(default_factory=set)
    _doubt_arose: asyncio.Event = field(default_factory=asyncio.Event)
    _unheard: set[str] = field(default_factory=set)
    _unheard_of: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Relay until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(
                self.bus.run(self._heard, self.presence.changed, self._listening, self.presence.listening)
            )
            tasks.create_task(self.presence.run())
            tasks.create_task(tallies.tell_regularly())
            tasks.create_task(self._mend())
            tasks.create_task(self._hear_the_unheard())
            tasks.create_task(self._look_at_idle())
            tasks.create_task(self._close_unused())

    def _heard(self, room: str, event: RoomEvent) -> None:
        feed = self.hub.feeds.get(room)
        if feed is None:
            return
        match event:
            case Logged():
                self._logged(feed, event)
            case Live():
                feed.live(event)
                self.rosters.heard(room, event.envelope)
            case Entered():
                feed.entered(event)
                self.rosters.heard(room, event.envelope)
            case Typed():
                feed.typed(event)
            case PieceSaid():
                if not feed.piece(event):
                    self._hear(room)
                    self._hear_later(room)
            case Removed():
                self.rosters.removed(room, event.user, event.leaves)
                if not feed.removed(event):
                    self._doubt(room)
            case StopAsked():
                pass  # for the worker that writes the answer

    def _logged(self, feed: Feed, event: Logged) -> None:
        if feed.logged(event):
            lag = self.clock().timestamp() - event.accepted_ms / 1000
            _LAG.observe(max(0.0, lag))
        else:
            if event.generation == feed.generation:
                metrics.HOLES.inc()
            self._doubt(feed.room)

    def _listening(self, room: str) -> None:
        """The room's channel is listened to, for the first time or again: something may have been missed."""
        if feed := self.hub.feeds.get(room):
            feed.listening_anew()
            self.rosters.doubt(room)
            self._doubt(room)
            self._hear_later(room)

    def _hear(self, room: str) -> None:
        """Pieces of an answer were missed: take the text so far from the store."""
        self._unheard.add(room)
        self._unheard_of.set()

    def _hear_later(self, room: str) -> None:
        """What was missed may not have been saved yet: look again when it has."""
        asyncio.get_running_loop().call_later(HEAR_AGAIN, self._hear, room)

    def _doubt(self, room: str) -> None:
        """Something may have been missed: look at the room's position."""
        self._doubtful.add(room)
        self._doubt_arose.set()

    async def _look_at_idle(self) -> None:
        while True:
            now = asyncio.get_running_loop().time()
            for room, feed in self.hub.feeds.items():
                if feed.check_at <= now:
                    if feed.check_at:
                        self._doubt(room)
                    feed.check_at = now + uniform(*IDLE_CHECK)  # noqa: S311 - to spread them
            await asyncio.sleep(TICK)

    async def _close_unused(self) -> None:
        while True:
            await asyncio.sleep(CLOSE_UNUSED)
            await self.hub.close_unused()

    async def _mend(self) -> None:
        """Work through what is in doubt; what the store does not answer stays so."""
        while True:
            await self._doubt_arose.wait()
            self._doubt_arose.clear()
            rooms, self._doubtful = self._doubtful, set()
            feeds = [self.hub.feeds[room] for room in rooms if room in self.hub.feeds]
            doubtful, failure = await self.reconciler.reconcile(feeds)
            for feed in doubtful:
                self._doubt(feed.room)
            if failure:
                note(failure)
                await asyncio.sleep(RETRY_DELAY)

    async def _hear_the_unheard(self) -> None:
        """Start answers whose pieces were missed from their text so far."""
        while True:
            await self._unheard_of.wait()
            self._unheard_of.clear()
            while self._unheard:
                room = self._unheard.pop()
                try:
                    await self._hear_again(room)
                except (RedisError, ProductFloError) as error:
                    note(error)
                    asyncio.get_running_loop().call_later(RETRY_DELAY, self._hear, room)

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
                Piece(
                    user_id=running.assistant,
                    room_id=feed.room,
                    timestamp=stamp(clock),
                    data=PieceData(
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
