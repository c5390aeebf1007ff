"""Read marks: how far each member has read."""

import asyncio
import logging
from dataclasses import dataclass, field

import orjson
from redis.exceptions import RedisError

from productflo.domain.identity import Identity
from productflo.domain.passing import Passing
from productflo.errors import NotFound, PermissionDenied, ProductFloError
from productflo.protocol.activity import ReadReceiptData, ReadReceiptNotice
from productflo.protocol.codec import encode
from productflo.service.clock import Clock, stamp
from productflo.store.bus import Bus
from productflo.store.events import Live
from productflo.store.log import Log
from productflo.store.rooms import Rooms

log = logging.getLogger(__name__)

TOLD_TO_ALL = 100
"""Members up to which everybody hears of a receipt; above it the author and the reader do."""
GATHERED = 1.0
"""Seconds between two receipts of a reader in a room: who scrolls through it reads fifty messages in one."""


@dataclass(slots=True)
class _Reading:
    """What a reader has read in a room and nobody was told of yet: message id -> seq."""

    room: str
    user: str
    untold: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Receipts:
    """Moves marks at once, and tells of the newest once a second; `run()` must be running for that."""

    rooms: Rooms
    log: Log
    bus: Bus
    clock: Clock
    _readings: dict[tuple[str, str], _Reading] = field(default_factory=dict)
    _begun: asyncio.Queue[_Reading] = field(default_factory=asyncio.Queue)

    async def read(self, identity: Identity, room: str, message_id: str) -> bytes | None:
        """Move the caller's mark to a message.

        Returns the receipt for the caller alone where the mark was that far already; else all hear it.
        Raises `NotFound` and `PermissionDenied`.
        """
        user = identity.user_id
        try:
            found = await self.rooms.read(room, user, message_id)
        except PermissionError as error:
            raise PermissionDenied(
                "You are not a member of this room. Join it first.", field="room_id"
            ) from error
        if found is None:
            raise NotFound(f"The room has no message {message_id}.", field="data.message_id")
        moved, read_seq = found
        if not moved:
            return self._receipt(room, user, message_id, read_seq)
        reading = self._readings.get((room, user))
        if reading is None:
            reading = self._readings[room, user] = _Reading(room, user)
            self._begun.put_nowait(reading)
        reading.untold[message_id] = read_seq
        return None

    async def run(self) -> None:
        """Tell until cancelled. A reader who is done reading leaves neither timer nor task."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                reading = await self._begun.get()
                tasks.create_task(self._tell(reading))

    async def _tell(self, reading: _Reading) -> None:
        """Tell the first receipt at once, and what comes within a second after each in one."""
        while reading.untold:
            untold, reading.untold = reading.untold, {}
            try:
                await self._publish(reading, untold)
            except (RedisError, ProductFloError) as error:
                log.debug("A receipt in %s waits for the store: %s", reading.room, error)
                reading.untold = untold | reading.untold
            await asyncio.sleep(GATHERED)
        del self._readings[reading.room, reading.user]

    async def _publish(self, reading: _Reading, untold: dict[str, int]) -> None:
        room, user = reading.room, reading.user
        newest = max(untold, key=untold.__getitem__)
        only = None
        if await self.rooms.member_count(room) > TOLD_TO_ALL:
            only = (user, *{await self._author(room, message_id) for message_id in untold})
        receipt = self._receipt(room, user, newest, untold[newest])
        await self.bus.publish(room, Live(receipt, only=only, passing=Passing.RECEIPT))

    def _receipt(self, room: str, user: str, message_id: str, read_seq: int) -> bytes:
        return encode(
            ReadReceiptNotice(
                user_id=user,
                room_id=room,
                timestamp=stamp(self.clock),
                data=ReadReceiptData(message_id=message_id, sender=user, read_seq=read_seq),
            )
        )

    async def _author(self, room: str, message_id: str) -> str:
        record = await self.log.find(room, message_id)
        return str(orjson.loads(record.envelope)["user_id"]) if record else ""
