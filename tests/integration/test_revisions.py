"""Edits, deletions and reactions: who may, who hears of it, and what is there afterwards."""

from typing import Any

import pytest
from cast import http, unique
from chatting import Client, Envelope, Server
from counting import counting
from redis.asyncio import Redis
from rooms import entry, writing

from productflo.domain.identity import SERVICE_ID
from productflo.protocol.codes import Kind
from productflo.store.entries import RunGuard
from productflo.store.rooms import Member, Rooms
from productflo.store.runs import Lease, RunStore

SERVICE_KEY = "a-service-key-for-tests"  # The server's, in conftest.py.


async def page(client: Client, room: str, **asked: Any) -> list[dict[str, Any]]:
    """The messages of a page of history."""
    await client.say("historic", room, **asked)
    answer = await client.until("historic_response", room_id=room)
    messages: list[dict[str, Any]] = answer["data"]["messages"]
    return messages


async def ask(client: Client, code: str, room: str, request_id: str | None = None, **data: Any) -> None:
    """Send an envelope with a name for its operation."""
    envelope = {"code": code, "user_id": client.user, "room_id": room, "data": data}
    await client.send({**envelope, "request_id": request_id} if request_id else envelope)


async def resumed(server: Server, user: str, room: str, since: int) -> list[Envelope]:
    """What one who comes back is told, up to the room's newest event."""
    async with server.client(user) as tab:
        joined = await tab.join(room, since=since)
        assert joined["data"]["continuous"]
        missed = joined["data"]["last_seq"] - since
        return [await tab.next() for _ in range(missed)]


async def test_an_edit_reaches_everybody_and_replaces_the_text(server: Server, room: str) -> None:
    """It has a place of its own in the room's order; the message keeps its place."""
    ada, bob = unique("ada", "bob")
    async with server.client(ada) as tab, server.client(bob) as other:
        await tab.join(room)
        await other.join(room)
        said = await tab.chat(room, "helo", message_id="m1", metadata={"a": []}, attached_files=["f1"])
        await ask(tab, "edit", room, "op1", message_id="m1", message=f"hello @{bob}")
        mine, theirs = await tab.until("edit"), await other.until("edit")
        assert mine == theirs
        assert "request_id" not in mine
        told = mine["data"]
        assert told == {
            "message_id": "m1",
            "sender": ada,
            "message": f"hello @{bob}",
            "mentions": [bob],
            "accepted_at": told["accepted_at"],
            "edited_at": told["accepted_at"],
            "seq": 2,
            "message_seq": 1,
        }
        (message,) = await page(other, room)
        assert message == {
            **said["data"],
            "message": f"hello @{bob}",
            "mentions": [bob],
            "edited_at": told["edited_at"],
            "code": "chat_response",
            "timestamp": said["timestamp"],
        }
        assert (await tab.chat(room, "next"))["data"]["seq"] == 3


async def test_a_deletion_leaves_an_empty_place(server: Server, room: str) -> None:
    """For those who were there, in history and for who resumes; the text is nowhere."""
    (ada,) = unique("ada")
    async with server.client(ada) as tab:
        await tab.join(room)
        said = await tab.chat(room, "secret", message_id="m1", metadata={"also": "secret"})
        await ask(tab, "edit", room, message_id="m1", message="top secret")
        await ask(tab, "delete", room, message_id="m1")
        told = await tab.until("delete")
        assert (told["data"]["seq"], told["data"]["message_seq"], told["data"]["sender"]) == (3, 1, ada)
        place = {
            "sender": ada,
            "message_id": "m1",
            "message": "",
            "deleted": True,
            "accepted_at": said["data"]["accepted_at"],
            "seq": 1,
        }
        assert await page(tab, room) == [{**place, "code": "chat_response", "timestamp": said["timestamp"]}]
    chat, edit, delete = await resumed(server, ada, room, 0)
    assert chat["data"] == place
    assert (edit["code"], edit["data"]["message"], edit["data"]["deleted"]) == ("edit", "", True)
    assert delete == told


async def test_reactions_are_gathered_on_the_message(server: Server, room: str) -> None:
    """By emoji, in the order in which they came; one taken back is gone."""
    ada, bob = unique("ada", "bob")
    async with server.client(ada) as tab, server.client(bob) as other:
        await tab.chat(room, "hello", message_id="m1")
        await other.join(room)
        await ask(other, "reaction", room, message_id="m1", emoji="👍", action="add")
        told = (await tab.until("reaction"))["data"]
        assert (told["emoji"], told["action"], told["sender"], told["seq"]) == ("👍", "add", bob, 2)
        await ask(tab, "reaction", room, message_id="m1", emoji="👍", action="add")
        await ask(tab, "reaction", room, message_id="m1", emoji=":shipit:", action="add")
        await ask(other, "reaction", room, message_id="m1", emoji="👍", action="remove")
        await tab.until("reaction", action="remove")
        (message,) = await page(tab, room)
        assert message["reactions"] == {"👍": [ada], ":shipit:": [ada]}
    chat, *events = await resumed(server, bob, room, 0)
    assert chat["data"]["reactions"] == message["reactions"]
    assert [one["data"]["seq"] for one in events] == [2, 3, 4, 5]


async def test_a_reaction_that_is_there_already_is_answered_to_its_sender(server: Server, room: str) -> None:
    """It takes no place in the room, and nobody else hears of it."""
    ada, bob = unique("ada", "bob")
    async with server.client(ada) as tab, server.client(bob) as other:
        await tab.chat(room, "hello", message_id="m1")
        await other.join(room)
        await ask(tab, "reaction", room, "op1", message_id="m1", emoji="👍", action="remove")
        answer = await tab.until("reaction")
        assert answer["request_id"] == "op1"
        assert answer["data"] == {
            "message_id": "m1",
            "sender": ada,
            "emoji": "👍",
            "action": "remove",
            "message_seq": 1,
        }
        assert await other.settled() == []
        assert (await tab.chat(room, "next"))["data"]["seq"] == 2


@pytest.mark.parametrize("code", ["edit", "delete", "reaction"])
async def test_an_operation_is_done_once(server: Server, room: str, code: str) -> None:
    """Sent again under its request_id, the first result comes to who sent it; another thing is a conflict."""
    ada, bob = unique("ada", "bob")
    data: dict[str, Any] = {"message_id": "m1"}
    data |= {"edit": {"message": "new"}, "reaction": {"emoji": "👍", "action": "add"}}.get(code, {})
    async with server.client(ada) as tab, server.client(ada) as second, server.client(bob) as other:
        for one in (tab, second, other):
            await one.join(room)
        await tab.chat(room, "hello", message_id="m1")
        await tab.chat(room, "other", message_id="m2")
        await ask(tab, code, room, "op1", **data)
        first = await tab.until(code)
        assert await second.until(code) == first == await other.until(code)
        await ask(second, code, room, "op1", **data)
        assert await second.until(code) == first
        await ask(second, code, room, "op1", **{**data, "message_id": "m2"})
        error = await second.error()
        assert (error["code"], error["field"], error["request_code"]) == ("CONFLICT", "request_id", code)
        assert await tab.settled() == [] == await other.settled()
        await ask(other, "reaction", room, "op1", message_id="m2", emoji="👍", action="add")
        assert (await other.until("reaction", sender=bob))["data"]["seq"] == 4


async def test_a_chat_and_its_edit_keep_their_order(server: Server, room: str) -> None:
    """Sent together, without waiting for anything."""
    (ada,) = unique("ada")
    async with server.client(ada) as tab:
        await tab.join(room)
        for number in range(20):
            await tab.say("chat", room, message="first", sender=ada, message_id=f"m{number}")
            await ask(tab, "edit", room, message_id=f"m{number}", message="second")
            await ask(tab, "delete", room, message_id=f"m{number}")
        events = [await tab.next() for _ in range(60)]
    assert [one["data"]["seq"] for one in events] == list(range(1, 61))
    assert [one["code"] for one in events] == ["chat_response", "edit", "delete"] * 20


async def test_only_the_author_edits_and_the_creator_deletes_too(server: Server, room: str) -> None:
    """Whoever made the room may delete any message; nobody else one that is not theirs."""
    ada, bob, cyn = unique("ada", "bob", "cyn")
    async with (
        server.client(ada) as maker,
        server.client(bob) as author,
        server.client(cyn) as other,
    ):
        await maker.join(room)
        await author.chat(room, "mine", message_id="m1")
        await other.join(room)
        for one, code in ((maker, "edit"), (other, "edit"), (other, "delete")):
            await ask(one, code, room, message_id="m1", message="not yours")
            error = await one.error()
            assert (error["code"], error["field"]) == ("PERMISSION_DENIED", "data.message_id")
        await ask(maker, "delete", room, message_id="m1")
        assert (await author.until("delete"))["data"]["sender"] == ada


@pytest.mark.parametrize("code", ["edit", "delete", "reaction", "feedback"])
async def test_a_message_must_be_there(server: Server, room: str, code: str) -> None:
    """One that never was, or was deleted."""
    (ada,) = unique("ada")
    data = {"message": "x", "emoji": "👍", "action": "add", "rating": "up"}
    async with server.client(ada) as tab:
        await tab.chat(room, "hello", message_id="m1")
        await ask(tab, "delete", room, message_id="m1")
        await tab.until("delete")
        for message_id in ("m1", "never"):
            await ask(tab, code, room, "op1", message_id=message_id, **data)
            error = await tab.error()
            assert (error["code"], error["field"]) == ("NOT_FOUND", "data.message_id")
            assert (error["request_code"], error["message_id"]) == (code, message_id)


@pytest.mark.parametrize("code", ["edit", "delete", "reaction", "feedback"])
async def test_a_removed_member_does_nothing_more(server: Server, room: str, code: str) -> None:
    """Not even to what they said themselves."""
    ada, bob = unique("ada", "bob")
    data = {"message": "x", "emoji": "👍", "action": "add", "rating": "up"}
    async with server.client(ada) as tab, server.client(bob) as other:
        await tab.join(room)
        await other.chat(room, "hello", message_id="m1")
        await other.say("leave", room)
        await other.until("leave")
        await ask(other, code, room, message_id="m1", **data)
        assert (await other.error())["code"] == "PERMISSION_DENIED"


async def test_a_message_has_twenty_emoji(server: Server, room: str) -> None:
    """One more is refused, another one's joining in is not."""
    ada, bob = unique("ada", "bob")
    async with server.client(ada) as tab, server.client(bob) as other:
        await tab.chat(room, "hello", message_id="m1")
        await other.join(room)
        for number in range(20):
            await ask(tab, "reaction", room, message_id="m1", emoji=f"e{number}", action="add")
        await ask(tab, "reaction", room, message_id="m1", emoji="e20", action="add")
        error = await tab.error()
        assert (error["code"], error["field"]) == ("TOO_LARGE", "data.emoji")
        await ask(other, "reaction", room, message_id="m1", emoji="e7", action="add")
        await tab.until("reaction", sender=bob)
        (message,) = await page(tab, room)
        assert message["reactions"]["e7"] == [ada, bob]
        assert len(message["reactions"]) == 20


async def test_what_is_done_to_messages_is_not_unread(server: Server, room: str) -> None:
    """Only what was said and is still there counts."""
    ada, bob = unique("ada", "bob")
    async with server.client(ada) as tab, server.client(bob) as other, http(server, bob) as as_bob:
        await other.join(room)
        for number in (1, 2, 3):
            await tab.chat(room, f"say {number}", message_id=f"m{number}")
        await ask(tab, "edit", room, message_id="m1", message="said")
        await ask(tab, "reaction", room, message_id="m1", emoji="👍", action="add")
        await ask(tab, "delete", room, message_id="m2")
        await other.until("delete")
        standing = (await as_bob.get(f"/api/rooms/{room}")).json()
        assert (standing["unread"], standing["last_seq"]) == (2, 6)
        assert (await other.join(room))["data"]["unread"] == 2


async def test_pages_hold_messages_only(server: Server, room: str) -> None:
    """However many other events lie between them; over HTTP the same."""
    (ada,) = unique("ada")
    async with server.client(ada) as tab, http(server, ada) as as_ada:
        await tab.join(room)
        for number in range(3):
            await tab.chat(room, f"say {number}", message_id=f"m{number}")
            for turn in range(30):
                action = "remove" if turn % 2 else "add"
                await ask(tab, "reaction", room, message_id=f"m{number}", emoji="👍", action=action)
        await tab.until("reaction", seq=93)
        await tab.say("historic", room, limit=2)
        newest = (await tab.until("historic_response"))["data"]
        assert ([one["seq"] for one in newest["messages"]], newest["has_more"]) == ([32, 63], True)
        older = (await as_ada.get(f"/api/rooms/{room}/messages?limit=2&before=32")).json()
        assert ([one["seq"] for one in older["messages"]], older["has_more"]) == ([1], False)
        newer = (await as_ada.get(f"/api/rooms/{room}/messages?limit=2&after=1")).json()
        assert ([one["seq"] for one in newer["messages"]], newer["has_more"]) == ([32, 63], False)


async def test_an_operator_deletes_any_message(server: Server, room: str) -> None:
    """Whoever holds the service key, in a room that is not theirs; they edit none."""
    (ada,) = unique("ada")
    key = {"X-Service-Key": SERVICE_KEY}
    async with server.client(ada) as tab, server.client(SERVICE_ID, additional_headers=key) as operator:
        await tab.chat(room, "hello", message_id="m1")
        await operator.join(room)
        await ask(operator, "edit", room, message_id="m1", message="bye")
        assert (await operator.error())["code"] == "PERMISSION_DENIED"
        await ask(operator, "delete", room, message_id="m1")
        assert (await tab.until("delete"))["data"]["sender"] == SERVICE_ID


async def test_an_answer_is_rated(server: Server, room: str, redis: Redis) -> None:
    """To its sender alone, and counted once however often it is sent; a person's message is not rated."""
    ada, bob = unique("ada", "bob")
    async with server.client(ada) as tab, server.client(bob) as other, writing(redis) as log:
        await tab.chat(room, "hello", message_id="m1")
        await other.join(room)
        await Rooms(redis).add_assistant(room, Member("echo", "Echo", Kind.ASSISTANT), "mentions")
        lease = await RunStore(redis).acquire(room, "echo", "worker")
        assert isinstance(lease, Lease)
        guard = RunGuard("echo", lease.token, 1)
        await log.append(entry(room, "echo", "an answer", "a1", "m1", guard))
        await other.until("chat_response", message_id="a1")
        async with counting(server) as rise:
            for _ in range(2):
                await ask(tab, "feedback", room, "op1", message_id="a1", rating="down", comment="no")
                answer = await tab.until("feedback")
                assert answer["request_id"] == "op1"
                assert answer["data"] == {
                    "message_id": "a1",
                    "sender": ada,
                    "rating": "down",
                    "comment": "no",
                }
            assert await rise.of("feedback_total down", "feedback_total up") == [1, 0]
        await ask(tab, "feedback", room, message_id="m1", rating="up")
        assert (await tab.error())["code"] == "VALIDATION_ERROR"
        await ask(tab, "edit", room, message_id="a1", message="mine now")
        assert (await tab.error())["code"] == "PERMISSION_DENIED"
        await ask(tab, "delete", room, message_id="a1")
        told = [one["code"] for one in (await other.until("delete"), *await other.settled())]
        assert told == ["delete"]
