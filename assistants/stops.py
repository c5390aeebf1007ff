"""The answers under way in this worker, so that what happens in their rooms reaches the right one."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from redis.exceptions import RedisError

from assistants.answering import Answering, Ending
from productflo.errors import StoreAway
from productflo.store.bus import Bus
from productflo.store.events import Logged, RoomEvent, StopAsked

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _UnderWay:
    message_id: str
    answering: Answering
    stir: Callable[[], None]


class Stops:
    """Listens to the rooms in which something is being answered. A stop that is not heard here is found
    with the next save; hearing it makes it immediate. So no answer waits until its room is listened to."""

    _tasks: asyncio.TaskGroup

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._rooms: dict[str, list[_UnderWay]] = {}
        self._closing = False

    async def run(self) -> None:
        """Hear what happens, until cancelled; must have begun before anything is to be heard."""
        async with asyncio.TaskGroup() as self._tasks:
            await self._bus.run(self._heard, lambda user, word: None, lambda room: None)

    @asynccontextmanager
    async def heard_by(
        self, answering: Answering, room: str, message_id: str, stir: Callable[[], None]
    ) -> AsyncIterator[None]:
        """Within the block, stops of this message end the answer, and `stir` is called when the room has
        something new, or a question in it was withdrawn."""
        under_way = _UnderWay(message_id, answering, stir)
        self._rooms.setdefault(room, []).append(under_way)
        listening = self._tasks.create_task(self._listen(room))
        try:
            if self._closing:
                answering.end(Ending.SHUTDOWN)
            yield
        finally:
            self._rooms[room].remove(under_way)
            # Not cancelled: that would close the one connection on which all rooms are listened to.
            await asyncio.wait({listening})
            if self._rooms.get(room) == []:
                del self._rooms[room]
                await self._listen_no_more(room)

    def shut_down(self) -> None:
        """End all answers, those that are just beginning too: this worker ends."""
        self._closing = True
        for answers in self._rooms.values():
            for one in answers:
                one.answering.end(Ending.SHUTDOWN)

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
        if not isinstance(event, Logged | StopAsked):
            return
        for one in self._rooms.get(room, ()):
            if isinstance(event, StopAsked) and event.message_id == one.message_id:
                one.answering.end(Ending.STOPPED, event.by)
            else:
                one.stir()
