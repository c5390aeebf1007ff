"""A room's log as messages."""

import orjson

from assistants.context import Message
from productflo.protocol.codes import Code
from productflo.store.log import Log, Record

PAGE = 200
"""Events read at a time."""
PAGES = 5
"""Pages read for one history at most: a log full of other events ends the search, it does not hold it up."""


class RoomTranscript:
    """The messages of one room. Methods raise what redis-py raises."""

    def __init__(self, log: Log, room: str) -> None:
        self._log = log
        self._room = room

    async def before(self, seq: int, limit: int) -> list[Message]:
        """The newest `limit` messages before `seq`, oldest first; fewer where the log holds no more."""
        found: list[Message] = []
        for _ in range(PAGES):
            if len(found) >= limit:
                break
            records = await self._log.read_back(self._room, seq, min(PAGE, limit - len(found)))
            if not records:
                break
            found = [message for record in records if (message := message_of(record))] + found
            seq = records[0].seq
        return found

    async def sender_of(self, message_id: str) -> str | None:
        """Who said a message, while it is retained."""
        record = await self._log.find(self._room, message_id)
        message = message_of(record) if record else None
        return message.sender if message else None


def message_of(record: Record) -> Message | None:
    """The message of a durable event; None for an event of another kind."""
    envelope = orjson.loads(record.envelope)
    if envelope["code"] != Code.CHAT_RESPONSE:
        return None
    data = envelope["data"]
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
    )
