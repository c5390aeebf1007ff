"""Rooms whose members are fixed."""

from collections.abc import AsyncIterator

import httpx
import pytest
from chatting import Server


@pytest.fixture
async def http(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    """Ana's calls."""
    async with httpx.AsyncClient(base_url=server.http, headers={"X-User-Id": "ana"}) as client:
        yield client


async def test_a_direct_room_has_the_members_that_were_named(http: httpx.AsyncClient, room: str) -> None:
    """No assistant comes along, and nobody can be added or removed."""
    body = {"room_id": room, "kind": "direct", "members": ["ben"]}
    assert (await http.post("/api/rooms", json=body)).status_code == 201
    members = (await http.get(f"/api/rooms/{room}/members")).json()["members"]
    assert {member["id"] for member in members} == {"ana", "ben"}
    refused = await http.put(f"/api/rooms/{room}/members/eve")
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "PERMISSION_DENIED"


async def test_adding_a_member_again_keeps_their_name(
    server: Server, http: httpx.AsyncClient, room: str
) -> None:
    """A name that somebody chose is not replaced by their id."""
    async with server.client("ana") as ana, server.client("ben", "?user_id=ben&name=Ben%20Ode") as ben:
        await ana.join(room)
        await ben.join(room)
        assert (await http.put(f"/api/rooms/{room}/members/ben")).status_code == 204
        joined = await ana.join(room)
        assert "Ben Ode" in {member["name"] for member in joined["data"]["members"]}
