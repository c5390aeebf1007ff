"""A room's log as messages."""

import orjson

from assistants.messages import Message
from productflo.protocol.codes import REVISIONS
from productflo.store.entries import Record
from productflo.store.log import Log

PAGE_BYTES = 4_194_304
"""Of the messages read for one history at most: 200 of ordinary length have 100 KB."""


class RoomTranscript:
    """The messages of one room. Methods raise what redis-py raises."""

    def __init__(self, log: Log, room: str) -> None:
        self._log = log
        self._room = room

    async def before(self, seq: int, limit: int) -> list[Message]:
        """The newest `limit` messages before `seq`, oldest first, without those that were deleted."""
        records = await self._log.messages_back(self._room, seq, limit, PAGE_BYTES) if limit else []
        return [message for record in records if (message := message_of(record))]

    async def at(self, seq: int) -> Message | None:
        """The message at a seq as it is now; None where it was deleted, or is no longer kept."""
        records = await self._log.read(self._room, seq - 1, 1)
        return message_of(records[0]) if records and records[0].seq == seq else None

    async def find(self, message_id: str) -> Message | None:
        """A message as it is now; None where it was deleted, or is no longer kept."""
        record = await self._log.find(self._room, message_id)
        return message_of(record) if record else None

    async def sender_of(self, message_id: str) -> str | None:
        """Who said a message, while it is retained."""
        message = await self.find(message_id)
        return message.sender if message else None


def message_of(record: Record) -> Message | None:
    """The message of a durable event; None for an event of another kind, and for what was deleted."""
    envelope = orjson.loads(record.envelope)
    data = envelope["data"]
    if envelope["code"] in REVISIONS or "deleted" in data:
        return None
    return Message(
        id=data["message_id"],
        seq=record.seq,
        sender=data["sender"],
        text=data["message"],
        sent_at=data["accepted_at"],
        reply_to=data.get("reply_to"),
        files=tuple(data.get("attached_files") or ()),
        mentions=tuple(data.get("mentions") or ()),
        from_assistant="assistant" in data,
        hops=data.get("assistant", {}).get("hops", 0),
        request=data.get("request"),
    )
