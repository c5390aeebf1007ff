"""What members think of assistants' messages: for operators, and gone with the message."""

from dataclasses import dataclass
from enum import StrEnum

import orjson

from productflo.store.client import Client
from productflo.store.keys import RoomKeys
from productflo.store.scripts import script


class Given(StrEnum):
    """What came of giving a rating."""

    NEW = "new"
    SAME = "same"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    NO_ANSWER = "no_answer"


@dataclass(frozen=True, slots=True)
class FeedbackStore:
    """Ratings, one a member and message. Methods raise what redis-py raises."""

    redis: Client

    async def give(self, room: str, user: str, message_id: str, rating: str, comment: str | None) -> Given:
        """Keep a rating, in place of the one before."""
        keys = RoomKeys(room)
        told = await script("feedback")(
            self.redis,
            [keys.log, keys.ids, keys.deleted, keys.members, keys.feedback],
            [user, message_id, orjson.dumps([rating, comment or ""])],
        )
        if isinstance(told, bytes):
            return Given(told.decode())
        return Given.NEW if told[0] else Given.SAME
