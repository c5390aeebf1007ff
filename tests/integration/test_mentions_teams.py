"""Who is mentioned in a message, and teams: kept over HTTP, or claimed by a token."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from cast import http, unique
from chatting import Server, web_process

from productflo.service.tokens import mint

SECRET = "a-secret-of-at-least-thirty-two-bytes"


def token(user: str, *teams: str) -> str:
    """A token of a user in these teams."""
    return mint(SECRET, user, user.capitalize(), teams, 1, time.time())


@pytest.fixture
async def signed(store_url: str, tmp_path: Path) -> AsyncIterator[Server]:
    """A server that asks for tokens."""
    env = {"REDIS_URL": store_url, "PRODUCTFLO_DEFAULT_ASSISTANTS": ",", "PRODUCTFLO_SECRET": SECRET}
    async with web_process(tmp_path, **env) as server:
        yield server


async def test_members_are_mentioned_in_any_case(server: Server, room: str) -> None:
    """As they are spelled, outside code, members only; nothing where nobody is."""
    ada, bob, eve = unique("Ada", "bob", "eve")
    async with server.client(ada) as tab, server.client(bob) as other, http(server, eve) as as_eve:
        await tab.join(room)
        await other.join(room)
        assert (await as_eve.get("/api/session")).status_code == 200
        said = await tab.chat(room, f"@{bob.upper()}, and @{ada.lower()}: `@{eve}` @{eve} @nobody")
        assert said["data"]["mentions"] == [bob, ada]
        assert "mentions" not in (await tab.chat(room, f"```\n@{bob}\n```"))["data"]
        assert "mentions" not in (await tab.chat(room, "hello"))["data"]


async def test_a_client_does_not_say_who_is_mentioned(server: Server, room: str) -> None:
    """Nor what only the server may say of an assistant."""
    (ada,) = unique("ada")
    async with server.client(ada) as tab:
        data = (await tab.chat(room, "hi", mentions=["bob"], assistant={"state": "done"}, seq=99))["data"]
    assert "mentions" not in data
    assert "assistant" not in data
    assert data["seq"] == 1


async def test_a_team_is_mentioned(server: Server, room: str) -> None:
    """By its id, in any case."""
    ada, team = unique("ada", "hardware")
    async with server.client(ada) as tab, http(server, ada) as as_ada:
        assert (await as_ada.put(f"/api/teams/{team}", json={"members": [ada]})).status_code == 200
        said = await tab.chat(room, f"ask @{team.capitalize()}.")
        assert said["data"]["mentions"] == [team]


async def test_a_team_is_kept_over_http(server: Server) -> None:
    """Made with its maker in it; changed by its members only; ended."""
    ada, bob, eve, team = unique("ada", "bob", "eve", "team")
    path = f"/api/teams/{team}"
    async with http(server, ada) as as_ada, http(server, eve) as as_eve:
        assert (await as_ada.get(path)).status_code == 404
        assert (await as_ada.put(f"{path}/members/{bob}")).status_code == 404
        made = await as_ada.put(path, json={"members": [bob]})
        assert made.json() == {"team": team, "members": [ada, bob]}
        assert team in (await as_eve.get("/api/teams")).json()["teams"]
        for refused in (
            await as_eve.put(path, json={"members": [eve]}),
            await as_eve.put(f"{path}/members/{eve}"),
            await as_eve.delete(f"{path}/members/{ada}"),
            await as_eve.delete(path),
        ):
            assert refused.status_code == 403
        assert (await as_ada.put(f"{path}/members/{eve}")).status_code == 204
        assert (await as_eve.delete(f"{path}/members/{bob}")).status_code == 204
        assert (await as_ada.get(path)).json() == {"team": team, "members": [ada, eve]}
        changed = await as_eve.put(path, json={"members": [eve]})
        assert changed.json() == {"team": team, "members": [eve]}
        assert (await as_eve.delete(path)).status_code == 204
        assert (await as_eve.get(path)).status_code == 404
        assert team not in (await as_eve.get("/api/teams")).json()["teams"]


async def test_leaving_a_team_closes_its_rooms_to_who_was_no_member(server: Server, room: str) -> None:
    """Who had not joined by then may not any more."""
    ada, bob, team = unique("ada", "bob", "team")
    async with http(server, ada) as as_ada, server.client(bob) as tab:
        await as_ada.put(f"/api/teams/{team}", json={"members": [bob]})
        await as_ada.post("/api/rooms", json={"room_id": room, "kind": "team", "team": team})
        await as_ada.delete(f"/api/teams/{team}/members/{bob}")
        await tab.say("join", room)
        assert (await tab.error())["code"] == "PERMISSION_DENIED"


async def test_a_token_claims_teams(signed: Server, room: str) -> None:
    """They open the rooms of that team, without being kept here, and those of no other."""
    ada, bob, eve, team, rivals = unique("ada", "bob", "eve", "team", "rivals")
    bearer = {"Authorization": f"Bearer {token(ada, team)}"}
    async with httpx.AsyncClient(base_url=signed.http, headers=bearer) as as_ada:
        asked = {"room_id": room, "kind": "team", "team": team}
        assert (await as_ada.post("/api/rooms", json=asked)).status_code == 201
        assert (await as_ada.get(f"/api/teams/{team}")).status_code == 404
    async with (
        signed.client(bob, f"?token={token(bob, rivals, team)}") as member,
        signed.client(eve, f"?token={token(eve, rivals)}") as stranger,
    ):
        members = (await member.join(room))["data"]["members"]
        assert {one["name"] for one in members} == {ada.capitalize(), bob.capitalize()}
        await stranger.say("join", room)
        assert (await stranger.error())["code"] == "PERMISSION_DENIED"
