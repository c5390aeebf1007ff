"""A message id stands for one message of a room: said again it is answered, not said twice."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest
from cast import unique
from chatting import Server


async def test_a_repetition_is_answered_to_who_repeats_it(server: Server, room: str) -> None:
    """With the first result, on the connection that asked; nobody else hears of it."""
    ada, bob = unique("ada", "bob")
    async with server.client(ada) as tab, server.client(ada) as second, server.client(bob) as other:
        for one in (tab, second, other):
            await one.join(room)
        first = await tab.chat(room, "hello", message_id="m1")
        for one in (second, other):
            assert await one.until("chat_response") == first
        assert await second.chat(room, "hello", message_id="m1") == first
        assert [one["code"] for one in await tab.settled() + await other.settled()] == []
        assert (await tab.chat(room, "next"))["data"]["seq"] == 2


async def test_a_repetition_after_a_lost_connection(server: Server, room: str) -> None:
    """One who does not know whether the message arrived says it again, without having joined."""
    (ada,) = unique("ada")
    async with server.client(ada) as tab:
        first = await tab.chat(room, "hello", message_id="m1", metadata={"a": 1})
    async with server.client(ada) as tab:
        assert await tab.chat(room, "hello", message_id="m1", metadata={"a": 1}) == first


@pytest.mark.parametrize(
    "other",
    [{"message": "bye"}, {"attached_files": ["f2"]}, {"reply_to": "m0"}, {"metadata": {"a": 2}}],
)
async def test_the_id_of_another_message_is_a_conflict(
    server: Server, room: str, other: dict[str, Any]
) -> None:
    """Anything that differs; the error names the message."""
    (ada,) = unique("ada")
    said = {"message": "hello", "sender": ada, "message_id": "m1"}
    async with server.client(ada) as tab:
        await tab.say("chat", room, **said)
        await tab.until("chat_response")
        await tab.say("chat", room, **{**said, **other})
        error = await tab.error()
        assert (error["code"], error["field"], error["message_id"]) == ("CONFLICT", "data.message_id", "m1")
        assert (await tab.chat(room, "next"))["data"]["seq"] == 2


async def test_the_id_of_anothers_message_is_a_conflict(server: Server, room: str) -> None:
    """Also with the same words: who repeats must be who said it."""
    ada, bob = unique("ada", "bob")
    async with server.client(ada) as tab, server.client(bob) as other:
        await tab.chat(room, "hello", message_id="m1")
        await other.say("chat", room, message="hello", sender=bob, message_id="m1")
        assert (await other.error())["code"] == "CONFLICT"


async def test_an_id_is_a_rooms_own(server: Server, room: str) -> None:
    """The same id in another room is another message."""
    (ada,) = unique("ada")
    async with server.client(ada) as tab:
        await tab.chat(room, "hello", message_id="m1")
        assert (await tab.chat(f"{room}-2", "something else", message_id="m1"))["data"]["seq"] == 1


async def test_without_an_id_it_is_a_new_message(server: Server, room: str) -> None:
    """The server makes one for each."""
    (ada,) = unique("ada")
    async with server.client(ada) as tab:
        said = [(await tab.chat(room, "hello"))["data"] for _ in range(2)]
    assert [data["seq"] for data in said] == [1, 2]
    assert said[0]["message_id"] != said[1]["message_id"]


async def test_twenty_connections_race_with_one_id(server: Server, room: str) -> None:
    """It is in the room once, all of them hear it, and whoever said something else is told."""
    (ada,) = unique("ada")
    async with AsyncExitStack() as stack:
        tabs = [await stack.enter_async_context(server.client(ada)) for _ in range(20)]
        await asyncio.gather(*(tab.join(room) for tab in tabs))
        said = {"sender": ada, "message_id": "m1"}
        await asyncio.gather(
            *(tab.say("chat", room, message=f"word {at % 2}", **said) for at, tab in enumerate(tabs))
        )
        settled = await asyncio.gather(*(tab.settled() for tab in tabs))
        heard = [tab.heard for tab in tabs]
        messages = [one for some in heard for one in some if one["code"] == "chat_response"]
        conflicts = [one for some in heard for one in some if one["status"] == "error"]
        assert len(settled) == len(tabs)
        assert {one["data"]["seq"] for one in messages} == {1}
        assert len({one["data"]["message"] for one in messages}) == 1
        assert all(any(one["code"] == "chat_response" for one in some) for some in heard)
        assert {one["data"]["code"] for one in conflicts} == {"CONFLICT"}
        assert len(conflicts) == len(tabs) // 2
        assert (await tabs[0].chat(room, "next"))["data"]["seq"] == 2
