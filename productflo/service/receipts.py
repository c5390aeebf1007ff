"""Read marks: how far each member has read."""

from dataclasses import dataclass

import orjson

from productflo.domain.identity import Identity
from productflo.domain.passing import Passing
from productflo.errors import NotFound, PermissionDenied
from productflo.protocol import outbound
from productflo.protocol.codec import encode
from productflo.service.clock import Clock, stamp
from productflo.store.bus import Bus
from productflo.store.events import Live
from productflo.store.log import Log
from productflo.store.rooms import Rooms

TOLD_TO_ALL = 100
"""Members up to which everybody hears of a receipt; above it the author and the reader do."""


@dataclass(frozen=True, slots=True)
class Receipts:
    """Moves marks and tells of it."""

    rooms: Rooms
    log: Log
    bus: Bus
    clock: Clock

    async def read(self, identity: Identity, room: str, message_id: str) -> bytes | None:
        """Move the caller's mark to a message.

        Returns the receipt for the caller alone where the mark was that far already; else all hear it.
        Raises `NotFound` and `PermissionDenied`.
        """
        try:
            found = await self.rooms.read(room, identity.user_id, message_id)
        except PermissionError as error:
            raise PermissionDenied(
                "You are not a member of this room. Join it first.", field="room_id"
            ) from error
        if found is None:
            raise NotFound(f"The room has no message {message_id}.", field="data.message_id")
        moved, read_seq = found
        receipt = encode(
            outbound.ReadReceiptNotice(
                user_id=identity.user_id,
                room_id=room,
                timestamp=stamp(self.clock),
                data=outbound.ReadReceiptData(
                    message_id=message_id, sender=identity.user_id, read_seq=read_seq
                ),
            )
        )
        if not moved:
            return receipt
        only = None
        if await self.rooms.member_count(room) > TOLD_TO_ALL:
            only = (identity.user_id, await self._author(room, message_id))
        await self.bus.publish(room, Live(receipt, only=only, passing=Passing.RECEIPT))
        return None

    async def _author(self, room: str, message_id: str) -> str:
        record = await self.log.find(room, message_id)
        return str(orjson.loads(record.envelope)["user_id"]) if record else ""
