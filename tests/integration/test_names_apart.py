"""Names that people choose do not reach what is the server's own, or another's."""

import time
from pathlib import Path

import httpx
import pytest
from cast import http, unique
from chatting import Server, web_process
from redis.asyncio import Redis
from rooms import entry, make_room, writing

from productflo.errors import Conflict
from productflo.service.tokens import mint
from productflo.store.keys import PresenceKeys, RoomKeys, presence_shard

SERVICE_KEY = "a-service-key-for-tests"
SECRET = "a-secret-of-more-than-32-characters!"


async def test_a_room_named_like_a_shard_of_presence(server: Server) -> None:
    """What happens in it and what the store tells of presence stay apart."""
    ada, bob = unique("ada", "bob")
    room = f"p:{presence_shard(bob):02}"
    async with server.client(ada) as tab:
        await tab.join(room)
        async with server.client(bob) as other:
            await other.join(room)
            await other.say("presence", None, status="busy")
            word = await tab.until("presence", sender=bob, status="busy")
            await other.chat(room, "hello")
            said = await tab.until("chat_response", message="hello")
    assert "room_id" not in word
    assert (said["room_id"], said["data"]["sender"]) == (room, bob)


@pytest.mark.parametrize("shard", [0, 63])
def test_no_room_has_a_key_of_presence(shard: int) -> None:
    """Their hash tag holds a character that no room's id has."""
    tag = PresenceKeys(shard).bus.removeprefix("{").partition("}")[0]
    assert "/" in tag
    assert RoomKeys(f"p:{shard:02}").bus != PresenceKeys(shard).bus


async def test_what_another_version_says_ends_nothing(server: Server, redis: Redis, room: str) -> None:
    """A room's channel carries an event of a kind that this version does not know; the room goes on."""
    [ada] = unique("ada")
    async with server.client(ada) as tab:
        await tab.join(room)
        for unknown in (b'["shouted", 1]\n{}', b"no JSON"):
            await redis.publish(RoomKeys(room).bus, unknown)
        said = await tab.chat(room, "still here")
    assert (said["room_id"], said["data"]["seq"]) == (room, 1)


async def test_two_long_names_are_two_senders(redis: Redis) -> None:
    """However far they are the same: the second one's message is not taken for the first one's again."""
    ada, eve = "x" * 127 + "a", "x" * 127 + "e"
    async with writing(redis) as log:
        room = await make_room(redis, log, "lab", people=(ada, eve))
        await log.append(entry(room.name, ada, "hello", "m1"))
        with pytest.raises(Conflict):
            await log.append(entry(room.name, eve, "hello", "m1"))


async def test_a_broadcast_leaves_its_speaker_their_name(server: Server, room: str) -> None:
    """A member of the room in whose name a service speaks is called as before."""
    [ada] = unique("ada")
    async with (
        server.client(ada, path=f"?user_id={ada}&name=Ada") as tab,
        http(server, ada) as asking,
        httpx.AsyncClient(base_url=server.http, headers={"X-Service-Key": SERVICE_KEY}) as service,
    ):
        await tab.join(room)
        said = {"user_id": ada, "message": "for all", "rooms": [room]}
        assert (await service.post("/api/broadcast", json=said)).status_code == 200
        await tab.until("chat_response", message="for all")
        members = (await asking.get(f"/api/rooms/{room}/members")).json()["members"]
        assert [(one["id"], one["name"]) for one in members] == [(ada, "Ada")]


async def test_nobody_makes_a_team_that_others_have_from_their_tokens(tmp_path: Path, store_url: str) -> None:
    """Else who made one of that name here would be let into its rooms."""

    def caller(user: str, *teams: str) -> httpx.AsyncClient:
        token = mint(SECRET, user, user, teams, 1, time.time())
        return httpx.AsyncClient(base_url=server.http, headers={"Authorization": f"Bearer {token}"})

    env = {"REDIS_URL": store_url, "PRODUCTFLO_SECRET": SECRET, "PRODUCTFLO_SERVICE_KEY": SERVICE_KEY}
    async with web_process(tmp_path, **env) as server:
        async with caller("ada", "board") as ada, caller("eve") as eve:
            room = {"room_id": "plans", "kind": "team", "team": "board"}
            assert (await ada.post("/api/rooms", json=room)).status_code == 201
            assert (await eve.put("/api/teams/board", json={"members": ["eve"]})).status_code == 403
            assert (await eve.put("/api/rooms/plans/members/eve")).status_code == 403
        service = {"X-Service-Key": SERVICE_KEY}
        async with httpx.AsyncClient(base_url=server.http, headers=service) as operator:
            made = await operator.put("/api/teams/board", json={"members": ["bob"]})
            assert made.json() == {"team": "board", "members": ["bob"]}
