"""Rooms of a team are for those who are in it now."""

import httpx
from chatting import Server


def calls(server: Server, user: str) -> httpx.AsyncClient:
    """HTTP as a user."""
    return httpx.AsyncClient(base_url=server.http, headers={"X-User-Id": user})


async def test_who_leaves_the_team_reads_its_rooms_no_more(server: Server, room: str) -> None:
    """History and a new join are refused, and the membership ends; nobody is added from outside the team."""
    team = f"team-of-{room}"
    async with calls(server, "ana") as ana, server.client("ben") as ben:
        await ana.put(f"/api/teams/{team}", json={"members": ["ana", "ben"]})
        made = await ana.post("/api/rooms", json={"room_id": room, "kind": "team", "team": team})
        assert made.status_code == 201
        await ben.join(room)
        await ben.chat(room, "among us")

        assert (await ana.put(f"/api/rooms/{room}/members/eve")).status_code == 403
        await ana.delete(f"/api/teams/{team}/members/ben")
        await ben.say("historic", room)
        assert (await ben.error())["code"] == "PERMISSION_DENIED"
        await ben.say("join", room)
        assert (await ben.error())["code"] == "PERMISSION_DENIED"
        members = (await ana.get(f"/api/rooms/{room}/members")).json()["members"]
        assert "ben" not in {member["id"] for member in members}


async def test_an_assistants_id_is_nobodys_in_any_case(server: Server, room: str) -> None:
    """`@Haitch` must not mean somebody else than `@haitch`."""
    async with server.client("Haitch") as poser:
        await poser.say("join", room)
        assert (await poser.error())["field"] == "user_id"
