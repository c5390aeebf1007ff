"""The answers under way in this worker, so that a stop reaches the right one."""

import logging
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.exceptions import RedisError

from assistants.answering import Answering, Ending
from productflo.errors import StoreAway
from productflo.store.bus import Bus
from productflo.store.events import RoomEvent, StopAsked

log = logging.getLogger(__name__)


class Stops:
    """Listens to the rooms in which something is being answered. A stop that is not heard here is found
    with the next save; hearing it makes it immediate."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._answers: dict[tuple[str, str], Answering] = {}
        self._rooms: Counter[str] = Counter()
        self._closing = False

    async def run(self) -> None:
        """Hear what is asked for, until cancelled."""
        await self._bus.run(self._heard, lambda user, word: None, lambda room: None)

    @asynccontextmanager
    async def heard_by(self, answering: Answering, room: str, message_id: str) -> AsyncIterator[None]:
        """Within the block, stops of this message end the answer."""
        self._answers[room, message_id] = answering
        self._rooms[room] += 1
        try:
            await self._listen(room)
            if self._closing:
                answering.end(Ending.SHUTDOWN)
            yield
        finally:
            del self._answers[room, message_id]
            self._rooms[room] -= 1
            if not self._rooms[room]:
                del self._rooms[room]
                await self._listen_no_more(room)

    def shut_down(self) -> None:
        """End all answers, those that are just beginning too: this worker ends."""
        self._closing = True
        for answering in self._answers.values():
            answering.end(Ending.SHUTDOWN)

    @property
    def closing(self) -> bool:
        """Whether this worker ends."""
        return self._closing

    async def _listen(self, room: str) -> None:
        try:
            await self._bus.subscribe(room)
        except StoreAway as error:
            log.debug("Stops in %s will be found late: %s", room, error)

    async def _listen_no_more(self, room: str) -> None:
        try:
            await self._bus.unsubscribe(room)
        except RedisError as error:
            log.debug("%s is still listened to: %s", room, error)

    def _heard(self, room: str, event: RoomEvent) -> None:
        if isinstance(event, StopAsked) and (answering := self._answers.get((room, event.message_id))):
            answering.end(Ending.STOPPED, event.by)
