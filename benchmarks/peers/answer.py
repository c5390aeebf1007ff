"""What every peer makes of a chat: the envelope that the room gets."""

from datetime import UTC, datetime
from typing import Any

Envelope = dict[str, Any]


def answer(chat: Envelope) -> Envelope:
    """A `chat_response` as this server's, without what only a server with a log can say."""
    return {
        "status": "success",
        "code": "chat_response",
        "user_id": chat["user_id"],
        "room_id": chat["room_id"],
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "data": chat["data"],
    }
