"""redis-py sends a command again when its answer did not come: scripts find what their first call did."""

from typing import Any

from redis.asyncio import Redis

from productflo.protocol.codes import Kind, RoomKind
from productflo.store.rooms import Member, Room, Rooms

ADA = Member("ada", "Ada", Kind.HUMAN)
BOB = Member("bob", "Bob", Kind.HUMAN)


class Twice:
    """A client whose answer to a script's first call never comes."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def __getattr__(self, name: str) -> Any:
        return getattr(self._redis, name)

    async def evalsha(self, *args: Any) -> Any:
        await self._redis.evalsha(*args)
        return await self._redis.evalsha(*args)


async def test_a_room_is_made_and_listed(redis: Redis) -> None:
    """Its maker is told that it is new, it stands in the members' lists, and another call finds it taken."""
    await Rooms(redis).create(Room("other", RoomKind.OPEN, "ada"), [], [])  # So that the server knows it.
    rooms = Rooms(Twice(redis))  # type: ignore[arg-type]
    assert await rooms.create(Room("lab", RoomKind.OPEN, "ada"), [], [ADA])
    assert not await rooms.create(Room("lab", RoomKind.OPEN, "bob"), [], [BOB])
    assert await rooms.rooms_of("ada") == ["lab"]
    assert await rooms.member_ids("lab") == ["ada"]


async def test_a_joined_room_is_listed(redis: Redis) -> None:
    """Though the second call finds the membership that the first one made."""
    await Rooms(redis).create(Room("lab", RoomKind.OPEN, "ada"), [], [ADA])
    await Rooms(redis).join("lab", ADA, granted=True)
    rooms = Rooms(Twice(redis))  # type: ignore[arg-type]
    joined = await rooms.join("lab", BOB, granted=True)
    assert joined is not None
    assert joined.member_count == 2
    assert await rooms.rooms_of("bob") == ["lab"]
