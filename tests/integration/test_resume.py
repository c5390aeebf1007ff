"""Resuming: every missed event once and in order, or the reason why not."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cast import unique
from chatting import Client, Envelope, Server, web_process

from productflo.domain.position import REPLAY_LIMIT


def seqs(heard: list[Envelope]) -> list[int]:
    """The seqs of the messages among what was heard, in its order."""
    return [one["data"]["seq"] for one in heard if one["code"] == "chat_response"]


async def resumed(client: Client, room: str, **data: Any) -> dict[str, Any]:
    """Join with a position; the data of the answer, which must be the first thing heard of the room."""
    answer = await client.join(room, **data)
    about = [one for one in client.heard if one.get("room_id") == room]
    assert about[0] is answer
    told: dict[str, Any] = answer["data"]
    return told


async def say(client: Client, room: str, count: int) -> None:
    """Say so many things, and wait for the last."""
    for number in range(count):
        await client.say("chat", room, message=f"{number}", sender=client.user)
    await client.until("chat_response", message=f"{count - 1}")


@pytest.mark.parametrize("named", [True, False])
async def test_what_was_missed_follows_the_answer_and_then_it_is_live(
    server: Server, room: str, named: bool
) -> None:
    """Each once, in order; a bare `since` means the present generation."""
    ada, bob = unique("ada", "bob")
    async with server.client(bob) as other:
        await say(other, room, 30)
        async with server.client(ada) as tab:
            position = (await tab.join(room))["data"]
            assert "continuous" not in position
        await say(other, room, 250)
        generation = {"generation": position["generation"]} if named else {}
        async with server.client(ada) as tab:
            told = await resumed(tab, room, since=position["last_seq"], **generation)
            assert (told["continuous"], told["last_seq"]) == (True, 280)
            await other.chat(room, "live")
            await tab.until("chat_response", message="live")
            assert seqs(tab.heard) == list(range(31, 282))


async def test_one_who_missed_nothing_hears_nothing(server: Server, room: str) -> None:
    """Up to date is continuous."""
    (ada,) = unique("ada")
    async with server.client(ada) as tab:
        await say(tab, room, 3)
        assert (await tab.join(room, since=3))["data"]["continuous"] is True
        assert seqs(await tab.settled()) == []


async def test_a_position_that_the_room_never_had_is_told(server: Server, room: str) -> None:
    """Another store's generation, and a seq above the last; live events follow, none from before."""
    ada, bob = unique("ada", "bob")
    async with server.client(bob) as other:
        await say(other, room, 3)
        for position in ({"since": 2, "generation": "1"}, {"since": 1000}, {"since": 2**53 - 1}):
            async with server.client(ada) as tab:
                told = await resumed(tab, room, **position)
                assert (told["gap"], told["reason"]) == (True, "rewound")
                assert "continuous" not in told
                said = await other.chat(room, f"after {position}")
                await tab.until("chat_response")
                assert seqs(tab.heard) == [said["data"]["seq"]]


async def test_too_much_is_not_replayed(server: Server, room: str) -> None:
    """One more than the limit; the client pages instead, and goes on live."""
    ada, bob = unique("ada", "bob")
    async with server.client(bob) as other, server.client(ada) as tab:
        await say(other, room, REPLAY_LIMIT + 1)
        told = await resumed(tab, room, since=0)
        assert (told["gap"], told["reason"], told["last_seq"]) == (True, "too_many", REPLAY_LIMIT + 1)
        assert seqs(await tab.settled()) == []
        assert (await tab.join(room, since=1))["data"]["continuous"] is True
        await tab.until("chat_response", seq=REPLAY_LIMIT + 1)
        assert seqs(tab.heard) == list(range(2, REPLAY_LIMIT + 2))


@pytest.fixture
async def forgetful(store_url: str, tmp_path: Path) -> AsyncIterator[Server]:
    """A server that keeps some hundred messages of a room."""
    env = {
        "REDIS_URL": store_url,
        "PRODUCTFLO_DEFAULT_ASSISTANTS": ",",
        "PRODUCTFLO_RETENTION_MESSAGES": "100",
    }
    async with web_process(tmp_path, **env) as server:
        yield server


async def test_what_was_trimmed_is_told(forgetful: Server, room: str) -> None:
    """From the oldest that is left, a resume is continuous."""
    ada, bob = unique("ada", "bob")
    async with forgetful.client(bob) as other, forgetful.client(ada) as tab:
        await say(other, room, 400)
        await other.say("historic", room, after=0, limit=1)
        first = (await other.until("historic_response"))["data"]["first_seq"]
        assert first > 1
        told = await resumed(tab, room, since=first - 2)
        assert (told["gap"], told["reason"]) == (True, "trimmed")
        assert (await tab.join(room, since=first - 1))["data"]["continuous"] is True
        await tab.until("chat_response", seq=400)
        assert seqs(tab.heard) == list(range(first, 401))


PACE = 0.01  # Seconds between two messages: a thousand without a pause are more than one may say.


async def test_resuming_while_others_talk_on(server: Server, room: str) -> None:
    """Missed and live events come in one dense row, however they fall together; and so for many who come."""
    bob, *people = unique("bob", *(f"p{number}" for number in range(8)))
    enough = asyncio.Event()

    said = 60

    async def talk(other: Client) -> None:
        nonlocal said
        while not enough.is_set():
            await other.chat(room, f"{said}")
            said += 1
            await asyncio.sleep(PACE)

    async def come(user: str) -> None:
        for missed in (60, 40, 20):
            since = said - missed
            async with server.client(user) as tab:
                told = await resumed(tab, room, since=since)
                assert told["continuous"] is True
                await tab.until("chat_response", seq=told["last_seq"] + 5)
                heard = seqs(tab.heard)
                assert heard == list(range(since + 1, heard[-1] + 1))

    async with server.client(bob) as other, asyncio.TaskGroup() as tasks:
        await say(other, room, 60)
        talking = tasks.create_task(talk(other))
        async with asyncio.TaskGroup() as coming:
            for user in people:
                coming.create_task(come(user))
        enough.set()
        await talking


async def test_passing_events_wait_for_the_missed_ones(server: Server, room: str) -> None:
    """Who joins while one catches up is told after what was missed, and told."""
    ada, bob, eve = unique("ada", "bob", "eve")
    async with server.client(bob) as other, server.client(ada) as tab, server.client(eve) as late:
        await say(other, room, 600)
        await tab.join(room, since=0)
        await late.join(room)
        await tab.until("join", user_id=eve)
        assert seqs(tab.heard) == list(range(1, 601))


async def test_joining_again_begins_anew(server: Server, room: str) -> None:
    """From the position that it names; what comes later comes once."""
    (ada,) = unique("ada")
    async with server.client(ada) as tab:
        await say(tab, room, 5)
        tab.heard.clear()
        await tab.say("join", room, since=2)
        await tab.say("join", room, since=3)
        await tab.settled()
        await tab.chat(room, "once")
        heard = seqs(tab.heard)
        assert heard[-3:] == [4, 5, 6]
        assert heard.count(6) == 1
