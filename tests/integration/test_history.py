"""A room's past, page by page, over the WebSocket and over HTTP."""

from typing import Any

import pytest
from cast import http, unique
from chatting import Client, Server

MESSAGES = 7


async def talked(client: Client, room: str) -> None:
    """A room in which something has been said: `say 1`, `say 2`, ..."""
    await client.join(room)
    for number in range(1, MESSAGES + 1):
        await client.chat(room, f"say {number}")


async def page(client: Client, room: str, **asked: Any) -> dict[str, Any]:
    """The data of a page."""
    await client.say("historic", room, **asked)
    data: dict[str, Any] = (await client.until("historic_response", room_id=room))["data"]
    return data


@pytest.mark.parametrize(
    ("asked", "seqs", "has_more"),
    [
        ({}, [1, 2, 3, 4, 5, 6, 7], False),
        ({"limit": 3}, [5, 6, 7], True),
        ({"limit": 7}, [1, 2, 3, 4, 5, 6, 7], False),
        ({"limit": 3, "before": 5}, [2, 3, 4], True),
        ({"limit": 3, "before": 4}, [1, 2, 3], False),
        ({"before": 2}, [1], False),
        ({"before": 1}, [], False),
        ({"before": 0}, [], False),
        ({"before": 1000}, [1, 2, 3, 4, 5, 6, 7], False),
        ({"limit": 3, "after": 0}, [1, 2, 3], True),
        ({"limit": 3, "after": 4}, [5, 6, 7], False),
        ({"after": 7}, [], False),
        ({"after": 1000}, [], False),
    ],
)
async def test_pages_go_both_ways(
    server: Server, room: str, asked: dict[str, int], seqs: list[int], has_more: bool
) -> None:
    """Oldest first, the nearest to where was asked from; HTTP says the same."""
    (ada,) = unique("ada")
    async with server.client(ada) as tab, http(server, ada) as as_ada:
        await talked(tab, room)
        data = await page(tab, room, **asked)
        assert (await as_ada.get(f"/api/rooms/{room}/messages", params=asked)).json() == {
            "first_seq": None,
            "last_seq": None,
            **data,
        }
    assert [message["seq"] for message in data["messages"]] == seqs
    assert data["has_more"] is has_more
    assert (data.get("first_seq"), data.get("last_seq")) == ((seqs[0], seqs[-1]) if seqs else (None, None))


async def test_a_page_holds_what_was_said(server: Server, room: str) -> None:
    """Each message's data as everybody got it, with its code and timestamp; and the room's generation."""
    (ada,) = unique("ada")
    async with server.client(ada) as tab:
        joined = await tab.join(room)
        said = await tab.chat(room, "hello", metadata={"a": [1]}, attached_files=["f1"], message_id="m1")
        await tab.chat(room, "answer", reply_to="m1")
        data = await page(tab, room)
    assert data["generation"] == joined["data"]["generation"]
    assert data["messages"][0] == {
        **said["data"],
        "code": "chat_response",
        "timestamp": said["timestamp"],
    }
    assert data["messages"][1]["reply_to"] == "m1"


@pytest.mark.parametrize("direction", ["before", "after"])
async def test_turning_pages_meets_every_message_once(server: Server, room: str, direction: str) -> None:
    """To either end, by the seqs that the pages tell."""
    (ada,) = unique("ada")
    async with server.client(ada) as tab:
        await talked(tab, room)
        met: list[int] = []
        asked = {direction: 1000 if direction == "before" else 0}
        while True:
            data = await page(tab, room, limit=2, **asked)
            seqs = [message["seq"] for message in data["messages"]]
            met = seqs + met if direction == "before" else met + seqs
            if not data["has_more"]:
                break
            asked = {direction: data["first_seq"] if direction == "before" else data["last_seq"]}
    assert met == list(range(1, MESSAGES + 1))


async def test_the_conversation_and_the_product_are_checked(server: Server, room: str) -> None:
    """The conversation must be the room; the product the room's, where it has one."""
    (ada,) = unique("ada")
    about, plain = f"{room}-about", f"{room}-plain"
    async with http(server, ada) as as_ada:
        await as_ada.post("/api/rooms", json={"room_id": about, "product_id": "product_789"})
        await as_ada.post("/api/rooms", json={"room_id": plain})
    async with server.client(ada) as tab:
        await page(tab, about, conversation_id=about, product_id="product_789")
        await page(tab, about)
        await page(tab, plain, product_id="any")
        await tab.say("historic", about, conversation_id=plain)
        assert (await tab.error())["field"] == "data.conversation_id"
        await tab.say("historic", about, product_id="product_1")
        assert (await tab.error())["field"] == "data.product_id"


async def test_history_is_for_members(server: Server, room: str) -> None:
    """Not for a subscriber of another room; and there is none where there is no room."""
    ada, eve = unique("ada", "eve")
    async with server.client(ada) as tab, server.client(eve) as stranger, http(server, eve) as as_eve:
        await talked(tab, room)
        await stranger.join(f"{room}-other")
        await stranger.say("historic", room)
        assert (await stranger.error())["code"] == "PERMISSION_DENIED"
        assert (await as_eve.get(f"/api/rooms/{room}/messages")).status_code == 403
        await stranger.say("historic", f"{room}-nowhere")
        assert (await stranger.error())["code"] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("query", "field"),
    [("limit=0", "limit"), ("limit=201", "limit"), ("before=x", "before"), ("before=1&after=1", "before")],
)
async def test_a_page_that_can_not_be_is_refused_over_http(
    server: Server, room: str, query: str, field: str
) -> None:
    """With the field's name; over the WebSocket the codec does."""
    (ada,) = unique("ada")
    async with server.client(ada) as tab, http(server, ada) as as_ada:
        await tab.join(room)
        answer = await as_ada.get(f"/api/rooms/{room}/messages?{query}")
        assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)
