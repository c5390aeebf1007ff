"""Assistants that can not answer: what the list, the room's list and the members' list say of them."""

from collections.abc import AsyncIterator

import httpx
import pytest
from chatting import Server
from redis.asyncio import Redis

from productflo.store.presence import PresenceStore
from productflo.store.profiles import Profile, Profiles

WRONG = "Its settings are not valid."
NOT_RUNNING = "It is not running at present."


@pytest.fixture
async def profiles(redis: Redis) -> Profiles:
    """Three that workers have presented: one runs, one could not be loaded, one ran once."""
    profiles = Profiles(redis)
    await profiles.register(Profile("parrot", "Polly", "Repeats.", ("mention",)))
    await profiles.register(Profile("stale", "Stale", "Was here.", ("mention",)))
    await profiles.register_broken("torn", WRONG)
    await PresenceStore(redis).beat([("parrot", "worker-1")])
    return profiles


@pytest.fixture
async def ana(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    """Ana over HTTP."""
    async with httpx.AsyncClient(base_url=server.http, headers={"X-User-Id": "ana"}) as client:
        yield client


async def test_every_list_says_why(
    server: Server, room: str, profiles: Profiles, ana: httpx.AsyncClient
) -> None:
    """The assistants that there are, those of a room, and its members over both doors."""
    listed = (await ana.get("/api/assistants")).json()["assistants"]
    assert {one["id"]: one["broken"] for one in listed} == {
        "parrot": None,
        "stale": NOT_RUNNING,
        "torn": WRONG,
    }
    async with server.client("ana") as tab:
        await tab.join(room)
        for one in ("parrot", "torn"):
            added = await ana.put(f"/api/rooms/{room}/assistants/{one}", json={"listens": "mentions"})
            assert added.status_code == 204
        there = (await ana.get(f"/api/rooms/{room}/assistants")).json()["assistants"]
        assert {one["id"]: one["broken"] for one in there} == {"parrot": None, "torn": WRONG}
        members = (await ana.get(f"/api/rooms/{room}/members")).json()["members"]
        assert {one["id"]: one.get("broken") for one in members} == {
            "ana": None,
            "parrot": None,
            "torn": WRONG,
        }
    async with server.client("bob") as tab:
        joined = await tab.join(room)
    shown = {one["id"]: one.get("broken") for one in joined["data"]["members"]}
    assert shown == {"ana": None, "bob": None, "parrot": None, "torn": WRONG}


async def test_one_that_was_broken_and_runs_is_not_broken(
    profiles: Profiles, ana: httpx.AsyncClient, redis: Redis
) -> None:
    """Whatever a worker with other settings wrote; and a known one keeps its name when it breaks."""
    await profiles.register_broken("parrot", WRONG)
    listed = (await ana.get("/api/assistants")).json()["assistants"]
    (parrot,) = [one for one in listed if one["id"] == "parrot"]
    assert (parrot["name"], parrot["broken"]) == ("Polly", None)
