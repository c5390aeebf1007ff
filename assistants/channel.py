"""What a room sees of an answer while it is being written: typing, what is being done, and the pieces."""

import logging
from dataclasses import dataclass

from assistants.receipt import Receipt
from productflo.domain.passing import Passing
from productflo.errors import ProductFloError
from productflo.protocol.activity import Notification, NotificationData, Piece, PieceData
from productflo.protocol.codec import encode
from productflo.service.attendance import Attendance
from productflo.service.clock import Clock, stamp
from productflo.store.bus import Bus
from productflo.store.events import Live, PieceSaid

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Channel:
    """The way of one answer into its room. Nothing that goes here is kept; the finished message is."""

    bus: Bus
    attendance: Attendance
    clock: Clock
    room: str
    assistant: str
    message_id: str
    run_id: str
    reply_to: str

    async def typing(self, *, started: bool) -> None:
        """Tell that the assistant writes, or no longer; repeated while it does, since it ends by itself."""
        try:
            await self.attendance.type(
                self.room, self.assistant, started=started, message_id=self.message_id, run_id=self.run_id
            )
        except ProductFloError as error:
            log.debug("%s: typing was not told: %s", self.room, error)

    async def status(self, receipt: Receipt) -> None:
        """Tell what the assistant is doing, and the tools that it has used so far."""
        told = Notification(
            user_id=self.assistant,
            room_id=self.room,
            timestamp=stamp(self.clock),
            data=NotificationData(
                code="ASSISTANT_STATUS",
                message=receipt.status,
                sender=self.assistant,
                message_id=self.message_id,
                run_id=self.run_id,
                reply_to=self.reply_to,
                tools=list(receipt.tools) or None,
            ),
        )
        try:
            await self.bus.publish(self.room, Live(encode(told), passing=Passing.TYPING))
        except ProductFloError as error:
            log.debug("%s: a status was not told: %s", self.room, error)

    async def piece(self, text: str, index: int) -> None:
        """Show the next piece; index 0 shows it in place of what was shown before. Raises `StoreAway`."""
        piece = Piece(
            user_id=self.assistant,
            room_id=self.room,
            timestamp=stamp(self.clock),
            data=PieceData(
                message=text,
                sender=self.assistant,
                message_id=self.message_id,
                run_id=self.run_id,
                index=index,
                reply_to=self.reply_to,
            ),
        )
        await self.bus.publish(self.room, PieceSaid(self.message_id, self.run_id, index, encode(piece)))
