"""Broadcasts: one message to several rooms, by a service that has the key."""

from typing import Any

import httpx
import pytest
from cast import http, unique
from chatting import Server

SERVICE_KEY = "a-service-key-for-tests"


def service(server: Server, **headers: str) -> httpx.AsyncClient:
    """HTTP with the service key. Use it as an async context manager."""
    return httpx.AsyncClient(base_url=server.http, headers=headers or {"X-Service-Key": SERVICE_KEY})


async def test_a_broadcast_reaches_its_rooms_and_says_which(server: Server, room: str) -> None:
    """Each room's seq, or why it is not there; people see who speaks."""
    ada, bot = unique("ada", "newsbot")
    rooms = [room, f"{room}-2", f"{room}-nowhere"]
    async with server.client(ada) as tab, service(server) as calling:
        await tab.chat(rooms[0], "first")
        await tab.join(rooms[1])
        asked = {"user_id": bot, "message": "Maintenance at noon", "rooms": rooms}
        answer = await calling.post("/api/broadcast", json=asked)
        assert answer.status_code == 200
        message_id = answer.json()["message_id"]
        assert answer.json()["rooms"] == {
            rooms[0]: {"status": "success", "seq": 2},
            rooms[1]: {"status": "success", "seq": 1},
            rooms[2]: {
                "status": "error",
                "code": "NOT_FOUND",
                "message": f"There is no room {rooms[2]}.",
                "field": "rooms",
            },
        }
        for _ in rooms[:2]:
            told = await tab.until("chat_response", sender=bot)
            assert told["data"]["message_id"] == message_id
            assert told["data"]["metadata"] == {"sent_from_device": "api"}


async def test_a_repeated_broadcast_is_said_once(server: Server, room: str) -> None:
    """Rooms that have it keep the one; those that did not get it do now; other words are a conflict."""
    ada, bot = unique("ada", "newsbot")
    asked = {"user_id": bot, "message": "hello", "message_id": f"news_{room}"}
    async with server.client(ada) as tab, service(server, Authorization=f"Bearer {SERVICE_KEY}") as calling:
        await tab.join(room)
        await calling.post("/api/broadcast", json={**asked, "rooms": [room]})
        await tab.join(f"{room}-2")
        again = await calling.post("/api/broadcast", json={**asked, "rooms": [room, f"{room}-2", room]})
        assert again.json()["rooms"] == {
            room: {"status": "success", "seq": 1},
            f"{room}-2": {"status": "success", "seq": 1},
        }
        other = await calling.post("/api/broadcast", json={**asked, "message": "bye", "rooms": [room]})
        assert other.json()["rooms"][room]["code"] == "CONFLICT"
        assert (await tab.chat(room, "next"))["data"]["seq"] == 2


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-User-Id": "ada"}, 403),
        ({"X-Service-Key": "a-wrong-key-for-tests"}, 401),
        ({"X-Ignored": "1"}, 401),
    ],
)
async def test_a_broadcast_needs_the_key(
    server: Server, room: str, headers: dict[str, str], status: int
) -> None:
    """A person is not enough, a wrong key neither."""
    (ada,) = unique("ada")
    async with server.client(ada) as tab, service(server, **headers) as calling:
        await tab.join(room)
        asked = {"user_id": "newsbot", "message": "hello", "rooms": [room]}
        assert (await calling.post("/api/broadcast", json=asked)).status_code == status
        assert await tab.settled() == []


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"message": ""}, 400, "message"),
        ({"message": " \n"}, 400, "message"),
        ({"message": "x" * 40_001}, 400, "message"),
        ({"rooms": []}, 400, "rooms"),
        ({"rooms": ["a b"]}, 400, "rooms.0"),
        ({"user_id": "a b"}, 400, "user_id"),
        ({"user_id": "guide"}, 403, "user_id"),
        ({"message_id": "two\nlines"}, 400, "message_id"),
        ({"metadata": {"a": "x" * 20_000}}, 400, "metadata"),
    ],
)
async def test_a_broadcast_that_can_not_be_is_refused(
    server: Server, room: str, change: dict[str, Any], status: int, field: str
) -> None:
    """With the field to mend; nobody speaks as an assistant."""
    async with service(server) as calling:
        asked = {"user_id": "newsbot", "message": "hello", "rooms": [room], **change}
        answer = await calling.post("/api/broadcast", json=asked)
        assert (answer.status_code, answer.json()["error"].get("field")) == (status, field), answer.text


async def test_a_speaker_of_a_broadcast_is_listed(server: Server, room: str) -> None:
    """As a member, so that people see who speaks to them."""
    ada, bot = unique("ada", "newsbot")
    async with server.client(ada) as tab, service(server) as calling, http(server, ada) as as_ada:
        await tab.join(room)
        await calling.post("/api/broadcast", json={"user_id": bot, "message": "hi", "rooms": [room]})
        await tab.until("join", user_id=bot)
        listed = (await as_ada.get(f"/api/rooms/{room}/members")).json()["members"]
        assert {member["id"] for member in listed} == {ada, bot}
