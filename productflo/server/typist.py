"""One connection's typing, so that it ends with what was typed, or with the connection."""

import logging
from dataclasses import dataclass, field

from productflo.errors import ProductFloError
from productflo.server.hub import Hub
from productflo.service.attendance import Attendance

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Typist:
    """Says when a connection's user types. What is not said ends by itself: typing is a lease."""

    attendance: Attendance
    hub: Hub
    _rooms: set[str] = field(default_factory=set)

    async def type(self, room: str, user: str, *, started: bool) -> None:
        """Tell the others. Raises `StoreAway`."""
        if started:
            self._rooms.add(room)
        else:
            self._rooms.discard(room)
        await self.attendance.type(room, user, started=started)

    def types(self, room: str, user: str) -> bool:
        """Whether the user types in a room, here or on another connection."""
        feed = self.hub.feeds.get(room)
        return room in self._rooms or (feed is not None and feed.is_typing(user))

    async def sent(self, room: str, user: str) -> None:
        """What was typed here, or on another connection of the user, has been said."""
        await self._stop(room, user)

    async def end(self, user: str) -> None:
        """The connection is gone, and with it what was being typed."""
        for room in list(self._rooms):
            await self._stop(room, user)

    async def _stop(self, room: str, user: str) -> None:
        self._rooms.discard(room)
        try:
            await self.attendance.type(room, user, started=False)
        except ProductFloError as error:
            log.debug("Typing in %s ends by itself: %s", room, error)
