"""The WebSocket's door: who comes in, as whom, for how long, and how one is turned away."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cast import unique
from chatting import Client, Server, web_process
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from productflo.service.tokens import mint

SECRET = "a-secret-of-at-least-thirty-two-bytes"
HOUR = 3600.0


def token(user: str, *, seconds: float = HOUR, secret: str = SECRET, age: float = 0) -> str:
    """A token of a user, made some seconds ago."""
    return mint(secret, user, user.capitalize(), (), seconds / HOUR, time.time() - age)


@pytest.fixture
async def signed(store_url: str, tmp_path: Path) -> AsyncIterator[Server]:
    """A server that asks for tokens."""
    env = {"REDIS_URL": store_url, "PRODUCTFLO_DEFAULT_ASSISTANTS": ",", "PRODUCTFLO_SECRET": SECRET}
    async with web_process(tmp_path, **env) as server:
        yield server


async def closed(client: Client) -> tuple[int, str]:
    """The code and the reason with which the server closes."""
    try:
        while True:
            await client.next()
    except ConnectionClosed:
        return client.socket.close_code or 0, client.socket.close_reason or ""


async def turned_away(server: Server, path: str, **options: Any) -> tuple[str, int]:
    """The code of the error envelope, which is all that is said, and the close code."""
    async with server.client("ada", path, **options) as tab:
        code, _ = await closed(tab)
        assert len(tab.heard) == 1
        assert (tab.heard[0]["status"], tab.heard[0]["code"]) == ("error", "system")
        return tab.heard[0]["data"]["code"], code


async def test_a_token_is_asked_for(signed: Server) -> None:
    """None, a forged one and an old one are told in words, and closed with 4401."""
    ada = "ada"
    for path in (
        "",
        "/secure",
        f"?access_token={token(ada)}",
        "?token=nonsense",
        f"?token={token(ada, secret=SECRET[::-1])}",
        f"?token={token(ada, age=2 * HOUR)}",
        "?user_id=ada",
    ):
        assert await turned_away(signed, path) == ("UNAUTHENTICATED", 4401), path


async def test_an_assistants_token_is_none(signed: Server) -> None:
    """Nobody is an assistant by a token either."""
    assert await turned_away(signed, f"?token={token('guide')}") == ("UNAUTHENTICATED", 4401)


@pytest.mark.parametrize("way", ["?token={}", "/secure?token={}", "/secure?access_token={}", "header"])
async def test_the_token_says_who_one_is(signed: Server, room: str, way: str) -> None:
    """Whatever way it comes; envelopes of somebody else are refused, and the connection stays."""
    (ada,) = unique("ada")
    bearer = {"additional_headers": {"Authorization": f"Bearer {token(ada)}"}} if way == "header" else {}
    path = "" if way == "header" else way.format(token(ada))
    async with signed.client(ada, path, **bearer) as tab:
        await tab.send({"code": "join", "user_id": "eve", "room_id": room, "data": {}})
        error = await tab.error()
        assert (error["code"], error["field"]) == ("PERMISSION_DENIED", "user_id")
        (member,) = (await tab.join(room))["data"]["members"]
        assert (member["id"], member["name"]) == (ada, ada.capitalize())


async def test_a_right_ends_with_its_token(signed: Server, room: str) -> None:
    """4401 says to come back with a new one."""
    (ada,) = unique("ada")
    async with signed.client(ada, f"?token={token(ada, seconds=2)}") as tab:
        await tab.join(room)
        code, reason = await closed(tab)
    assert (code, "expired" in reason) == (4401, True)


async def test_an_open_server_has_no_secure_door(server: Server) -> None:
    """Where there are no tokens, none can be good."""
    assert await turned_away(server, "/secure") == ("UNAUTHENTICATED", 4401)
    assert await turned_away(server, f"/secure?token={token('ada')}") == ("UNAUTHENTICATED", 4401)


async def test_on_an_open_server_the_first_envelope_says_who_one_is(server: Server, room: str) -> None:
    """Later ones can not say otherwise, in either place."""
    ada, eve = unique("ada", "eve")
    async with server.client(ada) as tab:
        await tab.join(room)
        await tab.send(
            {"code": "chat", "user_id": eve, "room_id": room, "data": {"message": "x", "sender": eve}}
        )
        error = await tab.error()
        assert (error["code"], error["field"]) == ("PERMISSION_DENIED", "user_id")
        await tab.say("chat", room, message="x", sender=eve)
        error = await tab.error()
        assert (error["code"], error["field"]) == ("PERMISSION_DENIED", "data.sender")
        assert (await tab.chat(room, "as myself"))["data"]["seq"] == 1


@pytest.mark.parametrize("name", ["guide", "haitch", "service"])
async def test_nobody_is_an_assistant_or_the_service(server: Server, room: str, name: str) -> None:
    """By an envelope, one may still say who one is; by the address, one is turned away for good."""
    (ada,) = unique("ada")
    async with server.client(ada) as tab:
        await tab.send({"code": "join", "user_id": name, "room_id": room, "data": {}})
        error = await tab.error()
        assert (error["code"], error["field"]) == ("PERMISSION_DENIED", "user_id")
        await tab.join(room)
    assert await turned_away(server, f"?user_id={name}") == ("PERMISSION_DENIED", 4403)


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1.evil.example"]
)
async def test_another_sites_page_is_refused(server: Server, origin: str) -> None:
    """Before the upgrade: 403."""
    with pytest.raises(InvalidStatus) as refused:
        async with connect(server.ws, additional_headers={"Origin": origin}):
            pass
    assert refused.value.response.status_code == 403


async def test_another_hosts_name_is_refused(server: Server) -> None:
    """A name that was rebound to this machine: 403."""
    with pytest.raises(InvalidStatus) as refused:
        async with connect("ws://evil.example/ws", host="127.0.0.1", port=server.port):
            pass
    assert refused.value.response.status_code == 403


async def test_our_own_page_comes_in(server: Server, room: str) -> None:
    """Its Origin is the Host."""
    (ada,) = unique("ada")
    async with server.client(ada, additional_headers={"Origin": server.http}) as tab:
        (member,) = (await tab.join(room))["data"]["members"]
    assert member["id"] == ada


async def test_a_message_above_the_limit_ends_the_connection(server: Server, room: str) -> None:
    """With 1009, before it is read as anything."""
    (ada,) = unique("ada")
    async with server.client(ada) as tab:
        await tab.join(room)
        await tab.send("x" * 300_000)
        assert (await closed(tab))[0] == 1009
