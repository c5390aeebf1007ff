"""Coming to a room: in one trip where no right is needed, and with a look at rights where one is."""

import asyncio

import pytest
from cast import http, unique
from chatting import Server
from counting import counting
from redis.asyncio import Redis
from websockets.exceptions import InvalidStatus

from productflo.protocol.codes import Kind, RoomKind
from productflo.store.keys import RoomKeys
from productflo.store.rooms import Joined, Member, Room, Rooms
from productflo.store.scripts import script
from productflo.store.together import call

ADA, BOB = Member("ada", "Ada", Kind.HUMAN), Member("bob", "Bob", Kind.HUMAN)


async def test_an_open_room_lets_anybody_in(redis: Redis) -> None:
    """Once; who returns is no new member."""
    rooms = Rooms(redis)
    assert await rooms.enter("lab", ADA) is None
    await rooms.create(Room("lab", RoomKind.OPEN, "bob"), [], [])
    joined, again = await rooms.enter("lab", ADA), await rooms.enter("lab", ADA)
    assert isinstance(joined, Joined)
    assert isinstance(again, Joined)
    assert (joined.new, again.new, again.member_count) == (True, False, 1)
    assert await rooms.rooms_of("ada") == ["lab"]


@pytest.mark.parametrize("room", [Room("lab", RoomKind.PRIVATE, "bob"), Room("lab", RoomKind.DIRECT, "bob")])
async def test_a_closed_room_lets_its_members_in(redis: Redis, room: Room) -> None:
    """Of anybody else it tells what is fixed about it, and changes nothing."""
    rooms = Rooms(redis)
    await rooms.create(room, [], [BOB])
    assert await rooms.enter("lab", ADA) == room
    assert await rooms.member_ids("lab") == ["bob"]
    assert await rooms.rooms_of("ada") == []
    assert isinstance(await rooms.enter("lab", BOB), Joined)


async def test_a_teams_room_asks_for_the_team(redis: Redis) -> None:
    """Of members as well: whoever has left the team is to leave the room."""
    rooms = Rooms(redis)
    room = Room("lab", RoomKind.TEAM, "bob", team="board", product="p1")
    await rooms.create(room, [], [BOB])
    assert await rooms.enter("lab", BOB) == room


async def test_a_join_whose_answer_was_lost_is_listed(redis: Redis) -> None:
    """The script has run, and nothing after it: the next try finds a member, and lists the room."""
    rooms, keys = Rooms(redis), RoomKeys("lab")
    await rooms.create(Room("lab", RoomKind.OPEN, "bob"), [], [BOB])
    of_join = (keys.meta, keys.members, keys.reads, keys.ids, keys.log, keys.deleted)
    await call(redis, script("join"), of_join, (ADA.user_id, ADA.record(), "ask", ""))
    assert await rooms.rooms_of("ada") == []
    joined = await rooms.enter("lab", ADA)
    assert isinstance(joined, Joined)
    assert not joined.new
    assert await rooms.rooms_of("ada") == ["lab"]


async def members_read(redis: Redis) -> int:
    """How often a whole hash was read, as members are."""
    found: int = (await redis.info("commandstats")).get("cmdstat_hgetall", {}).get("calls", 0)
    return found


async def test_members_are_not_read_for_each_who_comes(server: Server, redis: Redis, room: str) -> None:
    """Though each is new, and is shown all who came before."""
    people = [f"{room}-{number:02}" for number in range(30)]

    async def come(user: str) -> set[str]:
        async with server.client(user) as tab:
            joined = await tab.join(room)
            shown = {one["id"] for one in joined["data"]["members"]}
            assert user in shown
            assert len(shown) >= joined["data"]["member_count"]
            return shown

    async with server.client("first") as first:
        await first.join(room)
        before = await members_read(redis)
        shown = await asyncio.gather(*(come(user) for user in people))
        read = await members_read(redis) - before
        last = await first.join(room)
    assert {one["id"] for one in last["data"]["members"]} == {"first", *people}
    assert max(map(len, shown)) == 1 + len(people)
    assert read < 10


async def test_a_refused_upgrade_is_counted_once(server: Server) -> None:
    """Though two look at it: what lets sockets through, and Quart, which answers."""
    async with counting(server) as risen:
        with pytest.raises(InvalidStatus) as refused:
            async with server.client("ada", origin="http://elsewhere.example"):
                pass
        assert refused.value.response.status_code == 403
        assert b"PERMISSION_DENIED" in refused.value.response.body
        assert await risen.of("handshakes_refused_total source") == [1]


async def test_pages_are_json_over_http(server: Server, room: str) -> None:
    """Also of a room in which nothing was said."""
    (ada,) = unique("ada")
    async with server.client(ada) as tab, http(server, ada) as as_ada:
        await tab.join(room)
        page = await as_ada.get(f"/api/rooms/{room}/messages")
    assert page.headers["content-type"] == "application/json"
    assert (page.json()["messages"], page.json()["has_more"], page.json()["last_seq"]) == ([], False, None)
