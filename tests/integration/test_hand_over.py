"""Workers and assistants that come and go: what was left undone is taken up, what was begun is ended."""

import asyncio

import answers
import pytest
from answers import Gates, echo, finished, waits
from redis.asyncio import Redis
from rooms import PATIENCE, Listener, TestRoom
from workers import working

from productflo.store.events import PieceSaid
from productflo.store.keys import RoomKeys, user_rooms
from productflo.store.rooms import Rooms

room, heard, gates = answers.room, answers.heard, answers.gates


async def test_a_lost_wake_up_is_made_good(store_url: str, room: TestRoom, heard: Listener) -> None:
    """The sweep finds what the log holds and the cursor has not passed."""
    async with working(store_url, echo):
        await room.say("ada", "nobody was woken for this")
        await heard.until(finished())
    assert len(await room.answers()) == 1


async def test_one_that_left_the_room_falls_silent(store_url: str, room: TestRoom, gates: Gates) -> None:
    """Removed in mid-answer, its code is closed with the next save, and nothing is written."""
    async with working(store_url, waits(gates)):
        await room.say("ada", "hello", wake=["echo"])
        await gates.reached.wait()
        await Rooms(room.redis).leave("lab", "echo", b"{")
        await asyncio.wait_for(gates.closed.wait(), PATIENCE)
    assert not gates.opened.is_set()
    assert await room.answers() == []


async def test_a_worker_that_ends_hands_over(
    store_url: str, room: TestRoom, heard: Listener, gates: Gates
) -> None:
    """Another one goes on at once, under the same message id and with a run id of its own."""
    async with working(store_url, waits(gates), lease=60.0):
        await room.say("ada", "hello", wake=["echo"])
        await gates.reached.wait()
    assert gates.closed.is_set()
    assert await room.answers() == []
    (first,) = {event.run_id for event in heard.events if isinstance(event, PieceSaid)}
    async with working(store_url, echo, lease=60.0):
        await heard.until(finished())
    (answer,) = await room.answers()
    assert (answer["message"], answer["assistant"]["run_id"]) == (
        "You said: hello",
        first.replace(".1", ".2"),
    )
    assert (await room.redis.xinfo_groups("ready:echo"))[0]["pending"] == 0


async def test_a_worker_always_ends(store_url: str, room: TestRoom) -> None:
    """In whatever moment it is told to: a lost cancellation has kept one in thirty alive on Python 3.11."""
    before = asyncio.all_tasks()
    for _ in range(40):
        async with asyncio.timeout(5), working(store_url, echo):
            await asyncio.sleep(0)
        assert asyncio.all_tasks() <= before


@pytest.mark.parametrize(("stop_by", "state"), [("", "interrupted"), ("bo", "stopped")])
async def test_what_was_begun_too_often_is_closed(
    store_url: str, room: TestRoom, heard: Listener, stop_by: str, state: str
) -> None:
    """On the third try, or when it was to be stopped, the text so far becomes the answer."""
    question = await room.say("ada", "hello")
    run = {
        "cursor": 0,
        "question": 1,
        "message_id": "m",
        "run_id": "m.2",
        "tries": 2,
        "text": "half",
        "index": 4,
    }
    await room.redis.hset(RoomKeys("lab").run("echo"), mapping=run | ({"stop": stop_by} if stop_by else {}))
    async with working(store_url, echo):
        await heard.until(finished())
    (answer,) = await room.answers()
    assert answer["message"].startswith("half")
    assert (answer["message_id"], answer["reply_to"]) == ("m", question)
    assert (answer["assistant"]["state"], answer["assistant"]["run_id"]) == (state, "m.3")
    assert answer["assistant"].get("stopped_by", "") == stop_by


async def test_an_assistant_is_there_while_its_worker_is(
    redis: Redis, store_url: str, room: TestRoom
) -> None:
    """Online as a member of kind assistant, and found by those who would add it."""
    async with working(store_url, echo) as worker:
        presence = await worker._services.presence.of(["echo"])
        assert presence == {"echo": "online"}
        (profile,) = await worker._profiles.all()
        assert (profile.id, profile.name, profile.on) == ("echo", "Echo", ("direct", "mention", "reply"))
    assert await redis.sismember(user_rooms("echo"), "lab")
