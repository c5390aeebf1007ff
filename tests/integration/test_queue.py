"""Who waits for an assistant sees it, and may take the question back."""

from typing import Any

import answers
import orjson
import pytest
from answers import Gates, finished, passing, waits
from redis.asyncio import Redis
from revising import revision
from rooms import Listener, TestRoom, answers_of, make_room, person, writing
from workers import working

from productflo.errors import NotFound, PermissionDenied
from productflo.protocol.codes import Stoppers
from productflo.store.events import RoomEvent
from productflo.store.rooms import Rooms

heard, gates = answers.heard, answers.gates

PEOPLE = ("ada", "bo", "cy")


@pytest.fixture
async def room(redis: Redis) -> Any:
    """A room of three people and the assistant."""
    async with writing(redis) as log:
        yield await make_room(redis, log, "lab", people=PEOPLE)


def queues(events: list[RoomEvent]) -> list[list[tuple[str, str, int]]]:
    """What was told of who waits, each change once."""
    told: list[list[tuple[str, str, int]]] = []
    for envelope in passing(events):
        data = orjson.loads(envelope)["data"]
        if data.get("code") == "ASSISTANT_QUEUE":
            now = [(one["message_id"], one["sender"], one["place"]) for one in data["waiting"]]
            if not told or told[-1] != now:
                told.append(now)
    return told


async def ask(room: TestRoom, sender: str) -> str:
    return await room.say(sender, f"@echo {sender}", wake=["echo"])


async def test_who_waits_sees_their_place(
    store_url: str, room: TestRoom, heard: Listener, gates: Gates
) -> None:
    """Told as it grows and as it shrinks, and when nobody waits any more."""
    async with working(store_url, waits(gates)):
        await ask(room, "ada")
        await gates.reached.wait()
        bos = await ask(room, "bo")
        await heard.until(lambda events: queues(events)[-1:] == [[(bos, "bo", 1)]])
        cys = await ask(room, "cy")
        await heard.until(lambda events: queues(events)[-1:] == [[(bos, "bo", 1), (cys, "cy", 2)]])
        gates.opened.set()
        await heard.until(finished(3))
    assert queues(heard.events)[-1] == []


async def test_a_question_is_withdrawn(store_url: str, room: TestRoom, heard: Listener, gates: Gates) -> None:
    """By its sender with its own id, by deleting it; it is never asked, and the queue tells it."""
    runs = answers_of(room)
    async with working(store_url, waits(gates)):
        adas = await ask(room, "ada")
        await gates.reached.wait()
        bos, cys, late = await ask(room, "bo"), await ask(room, "cy"), await ask(room, "ada")
        await heard.until(lambda events: len((queues(events) or [[]])[-1]) == 3)
        assert await runs.stop(person("bo"), "lab", message_id=bos, run_id=None) is None
        assert await runs.stop(person("bo"), "lab", message_id=bos, run_id=None) is None
        await heard.until(lambda events: queues(events)[-1] == [(cys, "cy", 1), (late, "ada", 2)])
        await room.log.append(await revision(room.redis, room.log, "lab", "delete", cys, by="cy"))
        await heard.until(lambda events: queues(events)[-1] == [(late, "ada", 1)])
        gates.opened.set()
        await heard.until(finished(2))
    assert [answer["reply_to"] for answer in await room.answers()] == [adas, late]
    assert await room.redis.hget("{lab}:run:echo", "withdrawn") is None


async def test_withdrawing_what_is_being_answered_stops_it(
    store_url: str, room: TestRoom, heard: Listener, gates: Gates
) -> None:
    """The question's own id names its answer; one that was answered has nothing to withdraw."""
    runs = answers_of(room)
    async with working(store_url, waits(gates)):
        adas = await ask(room, "ada")
        await gates.reached.wait()
        await runs.stop(person("ada"), "lab", message_id=adas, run_id=None)
        await heard.until(finished())
        with pytest.raises(NotFound):
            await runs.stop(person("ada"), "lab", message_id=adas, run_id=None)
    (answer,) = await room.answers()
    assert (answer["message"], answer["assistant"]["state"]) == ("one ", "stopped")


async def test_a_room_may_let_the_asker_only(
    store_url: str, room: TestRoom, heard: Listener, gates: Gates
) -> None:
    """Stop, withdraw and have it answered again; the room's creator may, others may not."""
    runs = answers_of(room)
    await Rooms(room.redis).let_stop("lab", Stoppers.ASKER)
    async with working(store_url, waits(gates)):
        await ask(room, "bo")
        await gates.reached.wait()
        waiting = await ask(room, "bo")
        await heard.until(lambda events: len((queues(events) or [[]])[-1]) == 1)
        (answer,) = await runs.running("lab")
        for message_id in (answer.message_id, waiting):
            with pytest.raises(PermissionDenied) as told:
                await runs.stop(person("cy"), "lab", message_id=message_id, run_id=None)
            assert "only who asked may stop it" in str(told.value)
        await runs.stop(person("ada"), "lab", message_id=waiting, run_id=None)  # Its creator.
        await runs.stop(person("bo"), "lab", message_id=answer.message_id, run_id=None)
        await heard.until(finished())
        with pytest.raises(PermissionDenied):
            await runs.regenerate(person("cy"), "lab", answer.message_id)
    (stopped,) = await room.answers()
    assert stopped["assistant"]["stopped_by"] == "bo"
