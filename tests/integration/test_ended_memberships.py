"""Who is a member no more hears and sees nothing more, also where nobody was told of it."""

from typing import Any

import pytest
from cast import http, unique
from chatting import Server
from redis.asyncio import Redis

from productflo.store.keys import RoomKeys, user_rooms


async def test_a_removal_that_nobody_heard_of_ends_the_subscription(
    server: Server, redis: Redis, room: str
) -> None:
    """The word of it was lost with the bus's connection; the next listening finds it, and it is told."""
    ada, bob = unique("ada", "bob")
    async with server.client(ada) as tab, server.client(bob) as other:
        await tab.join(room)
        await other.join(room)
        keys = RoomKeys(room)
        await redis.hdel(keys.members, bob)
        await redis.hincrby(keys.meta, "leaves", 1)
        await redis.client_kill_filter(_type="pubsub")
        left = await other.until("leave", user_id=bob)
        assert left["data"] == {"member_count": 1}
        await tab.chat(room, "between us")
        assert [one["code"] for one in await other.settled() if one["code"] != "presence"] == []
        await other.join(room)
        await tab.chat(room, "together again")
        await other.until("chat_response", message="together again")


async def test_a_room_that_one_left_is_not_listed(server: Server, redis: Redis, room: str) -> None:
    """Though the index of one's rooms, which is written after the membership, still names it."""
    ada, bob = unique("ada", "bob")
    async with server.client(ada) as tab, http(server, bob) as asking:
        await tab.join(room)
        await redis.sadd(user_rooms(bob), room)
        assert (await asking.get("/api/rooms")).json() == {"rooms": []}


async def test_joining_again_mends_the_list_of_rooms(server: Server, redis: Redis, room: str) -> None:
    """A process that died right after the membership was written has left a room out of it."""
    [ada] = unique("ada")
    async with server.client(ada) as tab, http(server, ada) as asking:
        await tab.join(room)
        await redis.srem(user_rooms(ada), room)
        await tab.join(room)
        assert [one["room_id"] for one in (await asking.get("/api/rooms")).json()["rooms"]] == [room]


@pytest.mark.parametrize("way", ["leave", "DELETE"])
async def test_nobody_leaves_a_direct_room(server: Server, room: str, way: str) -> None:
    """Its members are fixed: who went could not come back."""
    ada, bob = unique("ada", "bob")
    asked: dict[str, Any] = {"room_id": room, "kind": "direct", "members": [bob]}
    async with http(server, ada) as making, http(server, bob) as leaving, server.client(bob) as tab:
        await making.post("/api/rooms", json=asked)
        await tab.join(room)
        if way == "leave":
            await tab.say("leave", room)
            assert (await tab.error())["code"] == "PERMISSION_DENIED"
        else:
            assert (await leaving.delete(f"/api/rooms/{room}/members/{bob}")).status_code == 403
        assert (await tab.join(room))["data"]["member_count"] == 2
