"""Rooms of more than 200 members."""

from chatting import Server
from redis.asyncio import Redis

from productflo.protocol.codes import Kind
from productflo.server.presence_relay import BIG_ROOM
from productflo.store.rooms import Member, Rooms


async def test_a_big_room_hears_counts(server: Server, redis: Redis, room: str) -> None:
    """Somebody's coming changes the count that all are told; nobody's own presence is told."""
    async with server.client("ana") as ana:
        await ana.join(room)
        rooms = Rooms(redis)
        for number in range(BIG_ROOM):
            await rooms.join(room, Member(f"guest{number}", f"Guest {number}", Kind.HUMAN), granted=True)
        joined = await ana.join(room)
        assert joined["data"]["member_count"] == BIG_ROOM + 1
        assert len(joined["data"]["members"]) == 100
        async with server.client("guest7") as guest:
            await guest.join(room)
            count = await ana.until("presence", room_id=room, here=2)
        assert count["data"] == {"here": 2, "member_count": BIG_ROOM + 1}
        assert not [one for one in ana.heard if one["data"].get("sender") == "guest7"]
