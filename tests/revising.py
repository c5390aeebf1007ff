"""What people do to messages, for tests that need no web process."""

from typing import Any

from redis.asyncio import Redis

from productflo.domain.identity import Identity
from productflo.protocol.codec import validate
from productflo.service.clock import system_clock
from productflo.service.mentions import Mentions
from productflo.service.revisions import Revisions
from productflo.store.entries import Revision
from productflo.store.feedback import FeedbackStore
from productflo.store.log import Log
from productflo.store.rooms import Rooms
from productflo.store.teams import Teams


def revisions_of(redis: Redis, log: Log) -> Revisions:
    """The service on a log."""
    rooms = Rooms(redis)
    return Revisions(log, rooms, Mentions(rooms, Teams(redis)), FeedbackStore(redis), system_clock)


async def revision(
    redis: Redis, log: Log, room: str, code: str, message_id: str, *, by: str = "ada", **more: str
) -> Revision:
    """Something that is done to a message, as the log takes it; `operation` names it."""
    operation = more.pop("operation", None)
    envelope = {"code": code, "user_id": by, "room_id": room, "request_id": operation}
    said: Any = validate({**envelope, "data": {"message_id": message_id, **more}})
    return await revisions_of(redis, log).prepare(Identity(by, by), said)
