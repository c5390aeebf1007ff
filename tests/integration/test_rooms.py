"""Rooms: membership apart from subscription, and who may come into which."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cast import http, unique
from chatting import Client, Envelope, Server, web_process


def codes(heard: list[Envelope]) -> list[str]:
    """The codes of what was heard, less presence."""
    return [one["code"] for one in heard if one["code"] != "presence"]


async def make(server: Server, creator: str, room: str, kind: str, **more: Any) -> None:
    """Make a room over HTTP."""
    async with http(server, creator) as creating:
        answer = await creating.post("/api/rooms", json={"room_id": room, "kind": kind, **more})
        assert answer.status_code == 201, answer.text


async def refused(client: Client, room: str) -> str:
    """The code with which a join is refused."""
    await client.say("join", room)
    error = await client.error()
    assert error["field"] == "room_id"
    code: str = error["code"]
    return code


async def test_others_hear_of_a_membership_and_not_of_a_subscription(server: Server, room: str) -> None:
    """A second tab of a member is silent; leaving is told to all, and coming back is new."""
    ada, bob = unique("ada", "bob")
    async with server.client(bob) as other, server.client(ada) as tab, server.client(ada) as second:
        await other.join(room)
        assert (await tab.join(room))["data"]["member_count"] == 2
        told = await other.until("join", user_id=ada)
        assert told["data"]["member"] == {"id": ada, "name": ada, "kind": "human", "presence": "online"}
        assert told["data"]["member_count"] == 2
        await second.join(room)
        await second.chat(room, "from the second tab")
        await other.until("chat_response")
        assert codes(other.heard[other.heard.index(told) + 1 :]) == ["chat_response"]

        await second.say("leave", room)
        for one in (other, tab, second):
            assert (await one.until("leave", user_id=ada))["data"] == {"member_count": 1}
        await other.chat(room, "alone now")
        assert codes(await tab.settled()) == codes(await second.settled()) == []

        await tab.join(room)
        await other.until("join", user_id=ada)
        await other.chat(room, "together again")
        await tab.until("chat_response", message="together again")
        assert codes(await second.settled()) == []


async def test_who_closes_a_connection_stays_a_member(server: Server, room: str) -> None:
    """Membership belongs to the user: nobody hears of a leave, or of a join when they come back."""
    ada, bob = unique("ada", "bob")
    async with server.client(bob) as other:
        await other.join(room)
        async with server.client(ada) as tab:
            await tab.join(room)
        await other.until("join", user_id=ada)
        async with server.client(ada) as tab:
            assert (await tab.join(room))["data"]["member_count"] == 2
        assert codes(await other.settled()) == []


async def test_leaving_and_joining_at_once_leaves_no_deaf_member(server: Server, room: str) -> None:
    """Whichever comes last counts: one who is a member at the end hears the room."""
    ada, bob = unique("ada", "bob")
    async with (
        server.client(bob) as other,
        server.client(ada) as leaving,
        server.client(ada) as joining,
        http(server, bob) as asking,
    ):
        await other.join(room)
        for number in range(20):
            await leaving.join(room)
            await asyncio.gather(leaving.say("leave", room), joining.say("join", room))
            await leaving.until("leave", user_id=ada)
            await joining.until("join", user_id=ada, last_seq=lambda _: True)
            listed = (await asking.get(f"/api/rooms/{room}/members")).json()["members"]
            await joining.settled()
            await other.chat(room, f"round {number}")
            if ada in [member["id"] for member in listed]:
                await joining.until("chat_response", message=f"round {number}")


async def test_a_chat_joins_too(server: Server, room: str) -> None:
    """It subscribes without a join answer; the others hear of the new member."""
    ada, bob = unique("ada", "bob")
    async with server.client(ada) as tab, server.client(bob) as other:
        await other.join(room)
        await tab.chat(room, "hello")
        await other.until("join", user_id=ada)
        assert codes(tab.heard) == ["chat_response"]
        await other.chat(room, "welcome")
        await tab.until("chat_response", message="welcome")


async def test_one_who_left_is_not_there_any_more(server: Server, room: str) -> None:
    """Neither receipts nor history nor typing nor a second leave."""
    ada, bob = unique("ada", "bob")
    async with server.client(ada) as tab, server.client(bob) as other:
        await tab.join(room)
        said = (await other.chat(room, "hello"))["data"]["message_id"]
        await tab.say("leave", room)
        await tab.until("leave", user_id=ada)
        for code, data in (
            ("read_receipt", {"message_id": said}),
            ("historic", {}),
            ("typing", {"status": "started"}),
            ("presence", {"status": "busy"}),
            ("stop", {"message_id": said}),
        ):
            await tab.say(code, room, **data)
            assert (await tab.error())["code"] == "PERMISSION_DENIED", code
        await tab.say("leave", room)
        assert (await tab.error())["code"] == "NOT_FOUND"


async def test_a_private_room_is_for_those_who_were_added(server: Server, room: str) -> None:
    """By a member; a chat does not get in either; who is removed hears and reads no more."""
    ada, bob, eve = unique("ada", "bob", "eve")
    await make(server, ada, room, "private")
    async with (
        server.client(ada) as tab,
        server.client(bob) as other,
        server.client(eve) as stranger,
        http(server, ada) as as_ada,
        http(server, bob) as as_bob,
        http(server, eve) as as_eve,
    ):
        await tab.join(room)
        assert await refused(other, room) == "PERMISSION_DENIED"
        await stranger.say("chat", room, message="let me in", sender=eve)
        assert (await stranger.error())["code"] == "PERMISSION_DENIED"
        assert (await as_eve.put(f"/api/rooms/{room}/members/{eve}")).status_code == 403
        assert (await as_eve.get(f"/api/rooms/{room}/members")).status_code == 403
        assert (await as_eve.get(f"/api/rooms/{room}")).status_code == 403

        assert (await as_ada.put(f"/api/rooms/{room}/members/{bob}")).status_code == 204
        await tab.until("join", user_id=bob)
        await other.join(room)
        await tab.chat(room, "between us")
        await other.until("chat_response", message="between us")

        assert (await as_bob.delete(f"/api/rooms/{room}/members/{ada}")).status_code == 403
        assert (await as_ada.delete(f"/api/rooms/{room}/members/{bob}")).status_code == 204
        await other.until("leave", user_id=bob)
        await tab.chat(room, "without you")
        assert codes(await other.settled()) == []
        await other.say("historic", room)
        assert (await other.error())["code"] == "PERMISSION_DENIED"
        assert (await as_bob.get(f"/api/rooms/{room}/messages")).status_code == 403
        assert await refused(other, room) == "PERMISSION_DENIED"


async def test_a_teams_room_is_for_the_team(server: Server, room: str) -> None:
    """Who is in the team joins by themselves; who is not does not, and can not make a room of it either."""
    ada, bob, eve, team = unique("ada", "bob", "eve", "team")
    async with http(server, ada) as as_ada, http(server, eve) as as_eve:
        assert (await as_ada.put(f"/api/teams/{team}", json={"members": [bob]})).status_code == 200
        await make(server, ada, room, "team", team=team)
        denied = await as_eve.post("/api/rooms", json={"room_id": f"{room}-2", "kind": "team", "team": team})
        assert denied.status_code == 403
    async with server.client(bob) as member, server.client(eve) as stranger:
        assert (await member.join(room))["data"]["kind"] == "team"
        assert await refused(stranger, room) == "PERMISSION_DENIED"


async def test_a_direct_room_has_fixed_members(server: Server, room: str) -> None:
    """Those it was made with may come; nobody is added or removed."""
    ada, bob, eve = unique("ada", "bob", "eve")
    await make(server, ada, room, "direct", members=[bob])
    async with server.client(bob) as other, server.client(eve) as stranger, http(server, ada) as as_ada:
        assert (await other.join(room))["data"]["member_count"] == 2
        assert await refused(stranger, room) == "PERMISSION_DENIED"
        assert (await as_ada.put(f"/api/rooms/{room}/members/{eve}")).status_code == 403
        assert (await as_ada.delete(f"/api/rooms/{room}/members/{bob}")).status_code == 403


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"kind": "team"}, 400, "team"),
        ({"kind": "open", "team": "hw"}, 400, "team"),
        ({"kind": "secret"}, 400, "kind"),
        ({"kind": "direct"}, 400, "members"),
        ({"members": ["a b"]}, 400, "members.0"),
        ({"room_id": "a/b"}, 400, "room_id"),
    ],
)
async def test_a_room_that_can_not_be_is_not_made(
    server: Server, room: str, body: dict[str, Any], status: int, field: str
) -> None:
    """And the field to mend is named."""
    (ada,) = unique("ada")
    async with http(server, ada) as as_ada:
        answer = await as_ada.post("/api/rooms", json={"room_id": room, **body})
        assert (answer.status_code, answer.json()["error"]["field"]) == (status, field)


async def test_a_room_is_made_once(server: Server, room: str) -> None:
    """Whoever comes second is told, and is no member of it."""
    ada, bob = unique("ada", "bob")
    await make(server, ada, room, "private")
    async with http(server, bob) as as_bob:
        answer = await as_bob.post("/api/rooms", json={"room_id": room})
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "CONFLICT")
        assert (await as_bob.get("/api/rooms")).json() == {"rooms": []}


async def test_members_are_listed_with_those_who_are_there_first(server: Server, room: str) -> None:
    """Then by name; with what each has read."""
    ada, bob, eve = unique("ada", "bob", "eve")
    async with server.client(eve) as there, http(server, eve) as asking:
        await there.join(room)
        for absent in (bob, ada):
            assert (await asking.put(f"/api/rooms/{room}/members/{absent}")).status_code == 204
        said = (await there.chat(room, "hello"))["data"]["message_id"]
        await there.say("read_receipt", room, message_id=said)
        await there.until("read_receipt")
        listed = (await asking.get(f"/api/rooms/{room}/members")).json()
        shown = (await there.join(room))["data"]["members"]
    assert listed == {"members": shown, "member_count": 3}
    assert [(one["id"], one["presence"], one["read_seq"]) for one in shown] == [
        (eve, "online", 1),
        (ada, "offline", 0),
        (bob, "offline", 0),
    ]


async def test_ones_rooms_are_listed_with_what_is_unread(server: Server, room: str) -> None:
    """What others said since one came; one's own messages and what was read do not count."""
    ada, bob = unique("ada", "bob")
    async with server.client(ada) as tab, server.client(bob) as other, http(server, ada) as as_ada:

        async def unread() -> tuple[int, int, int]:
            (standing,) = (await as_ada.get("/api/rooms")).json()["rooms"]
            assert (await as_ada.get(f"/api/rooms/{room}")).json() == standing
            return standing["last_seq"], standing["read_seq"], standing["unread"]

        await other.chat(room, "before ada came")
        assert (await tab.join(room))["data"]["unread"] == 0
        assert await unread() == (1, 0, 0)
        first = (await other.chat(room, "one"))["data"]["message_id"]
        await other.chat(room, "two")
        assert await unread() == (3, 0, 2)
        await tab.say("read_receipt", room, message_id=first)
        await tab.until("read_receipt")
        assert await unread() == (3, 2, 1)
        assert (await tab.join(room))["data"]["unread"] == 1
        await tab.chat(room, "mine")
        assert await unread() == (4, 2, 0)
        await tab.say("leave", room)
        await tab.until("leave", user_id=ada)
        assert (await as_ada.get("/api/rooms")).json() == {"rooms": []}


@pytest.fixture
async def closed_server(store_url: str, tmp_path: Path) -> AsyncIterator[Server]:
    """A server where joining makes no rooms."""
    env = {"REDIS_URL": store_url, "PRODUCTFLO_DEFAULT_ASSISTANTS": ",", "PRODUCTFLO_OPEN_ROOMS": "false"}
    async with web_process(tmp_path, **env) as server:
        yield server


async def test_an_operator_may_keep_rooms_from_being_made_by_joining(
    closed_server: Server, room: str
) -> None:
    """Those that were made over HTTP can be joined; whether there is another one is not told."""
    ada, bob = unique("ada", "bob")
    async with closed_server.client(ada) as tab:
        assert await refused(tab, room) == "NOT_FOUND"
        await tab.say("chat", room, message="hello", sender=ada)
        assert (await tab.error())["code"] == "NOT_FOUND"
        await make(closed_server, bob, room, "private")
        for place in (room, f"{room}-nowhere"):
            await tab.say("historic", place)
            assert (await tab.error())["code"] == "PERMISSION_DENIED"
        await make(closed_server, bob, f"{room}-open", "open")
        await tab.join(f"{room}-open")
