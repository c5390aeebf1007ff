"""The worker as the operator starts it: a process of its own, with haitch and guide, on a real store."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import answers
import asked_model
import pytest
from answers import passing
from model_server import Exchange, ModelServer, request_texts, speaks
from processes import PRODUCTFLO, Spoken, environment, running
from redis.asyncio import Redis
from rooms import Listener, TestRoom, answers_of, listening, make_room, person, writing

from productflo.protocol.codes import Presence
from productflo.store.events import Logged, PieceSaid, RoomEvent, Typed
from productflo.store.presence import Pace, PresenceStore

heard = answers.heard
model = asked_model.server

STOP_LIMIT = 0.25
"""Seconds from a stop to the closed connection of the model."""


@pytest.fixture
async def room(redis: Redis) -> AsyncIterator[TestRoom]:
    async with writing(redis) as log:
        yield await make_room(redis, log, "lab", people=["ada", "bo"], assistants=["haitch", "guide"])


def worker(data: Path, store_url: str, **more: str) -> AbstractAsyncContextManager[Spoken]:
    """`productflo assistants run`."""
    return running(*PRODUCTFLO, "assistants", "run", env=environment(data, REDIS_URL=store_url, **more))


def with_model(server: ModelServer) -> dict[str, str]:
    return {"OPENAI_BASE_URL": server.url, "PRODUCTFLO_HAITCH_MODEL": "scripted"}


def typing_ended(events: list[RoomEvent]) -> bool:
    return any(isinstance(event, Typed) and not event.started for event in events)


def pieces(events: list[RoomEvent]) -> list[PieceSaid]:
    return [event for event in events if isinstance(event, PieceSaid)]


async def stop(room: TestRoom, message_id: str) -> bytes | None:
    return await answers_of(room).stop(person("bo"), "lab", message_id=message_id, run_id=None)


async def test_haitch_answers_with_the_operators_model(
    tmp_path: Path, store_url: str, room: TestRoom, heard: Listener, model: ModelServer
) -> None:
    """Asked by a mention, it sends the conversation by name, and shows each piece while the model writes."""
    async with worker(tmp_path, store_url, **with_model(model)) as process:
        await process.says("Assistants at work: guide, haitch")
        await room.say("ada", "Which screws do we use?")
        await room.say("bo", "M4, says the drawing.")
        question = await room.say("ada", "@haitch sum up", wake=["haitch"])
        exchange = await model.asked()
        await exchange.say("You use")
        await heard.until(lambda events: len(pieces(events)) == 1)
        await exchange.say(" M4.")
        await heard.until(lambda events: len(pieces(events)) == 2)
        await exchange.finish()
        events = await heard.until(typing_ended)
    assert exchange.body["model"] == "scripted"
    system, conversation = request_texts(exchange)
    assert "You are Haitch" in system
    assert "Ada, Bo" in system or "Bo" in system
    assert conversation == "Ada: Which screws do we use?\n\nBo: M4, says the drawing.\n\nAda: @haitch sum up"
    (answer,) = await room.answers()
    assert (answer["message"], answer["reply_to"]) == ("You use M4.", question)
    assert answer["assistant"] == {
        "run_id": pieces(events)[0].run_id,
        "model": "scripted",
        "state": "done",
        "hops": 0,
        "usage": {"prompt_tokens": 7, "completion_tokens": 3},
        "context": {"from_seq": 1, "to_seq": 3, "files_read": [], "files_skipped": [], "cut": False},
    }
    kinds = [type(event) for event in events if not (isinstance(event, Typed) and event.started)][4:]
    assert kinds == [PieceSaid, PieceSaid, Logged, Typed]


async def test_a_stop_closes_the_models_connection_at_once(
    tmp_path: Path, store_url: str, room: TestRoom, heard: Listener, model: ModelServer
) -> None:
    """The model server sees it within 250 ms; what was said stays, with who stopped it."""
    async with worker(tmp_path, store_url, **with_model(model)) as process:
        await process.says("Assistants at work")
        await room.say("ada", "@haitch go on and on", wake=["haitch"])
        exchange = await model.asked()
        await exchange.say("and on")
        events = await heard.until(lambda events: len(pieces(events)) == 1)
        assert await stop(room, pieces(events)[0].message_id) is None
        await asyncio.wait_for(exchange.disconnected.wait(), STOP_LIMIT)
        await heard.until(typing_ended)
    (answer,) = await room.answers()
    assert (answer["message"], answer["assistant"]["state"]) == ("and on", "stopped")
    assert answer["assistant"]["stopped_by"] == "bo"


async def test_a_busy_model_is_told_while_it_is_waited_for(
    tmp_path: Path, store_url: str, room: TestRoom, heard: Listener, model: ModelServer
) -> None:
    """As what the assistant is doing; it is no part of the answer."""
    async with worker(tmp_path, store_url, **with_model(model)) as process:
        await process.says("Assistants at work")
        await room.say("ada", "@haitch hello", wake=["haitch"])
        await (await model.asked()).refuse(429, Retry_After="0.2")
        events = await heard.until(lambda events: b"ASSISTANT_STATUS" in b"".join(passing(events)))
        assert b"The model server is rate-limited. Trying again in 1 s." in b"".join(passing(events))
        again = await model.asked()
        await again.say("Hello")
        await again.finish()
        events = await heard.until(typing_ended)
    assert {piece.index for piece in pieces(events)} == {0}
    assert [answer["message"] for answer in await room.answers()] == ["Hello"]


async def test_a_model_that_is_gone_is_told_plainly(
    tmp_path: Path, store_url: str, room: TestRoom, heard: Listener, model: ModelServer
) -> None:
    """With what was said, the reason, and a reference that stands in the worker's log."""

    async def breaks_off(exchange: Exchange) -> None:
        await exchange.say("Well,")
        exchange.break_off()

    model.play(breaks_off)
    async with worker(tmp_path, store_url, **with_model(model)) as process:
        await process.says("Assistants at work")
        await room.say("ada", "@haitch hello", wake=["haitch"])
        await heard.until(typing_ended)
        (answer,) = await room.answers()
        reference = answer["message"].rpartition(": ")[2].rstrip(".)*")
        await process.says(f"haitch failed in lab, reference {reference}: ModelError")
    assert answer["message"].startswith(f"Well,\n\n*(The model is not reachable at {model.url}. Reference")
    assert answer["assistant"]["state"] == "failed"


async def test_the_worker_keeps_what_rooms_say_to_itself(
    tmp_path: Path, store_url: str, room: TestRoom, heard: Listener, model: ModelServer
) -> None:
    """Neither questions nor answers stand in its log."""
    model.play(speaks("the answer is secret"))
    async with worker(tmp_path, store_url, PRODUCTFLO_LOG_LEVEL="DEBUG", **with_model(model)) as process:
        await process.says("Assistants at work")
        await room.say("ada", "@haitch the question is secret", wake=["haitch"])
        await heard.until(typing_ended)
        process.process.terminate()
        assert await process.ends() == 0
    assert not [line for line in process.lines if "is secret" in line]


async def test_guide_answers_without_a_model(
    tmp_path: Path, store_url: str, room: TestRoom, heard: Listener
) -> None:
    """Nothing needs to be configured for the first assistant."""
    async with worker(tmp_path, store_url) as process:
        await process.says("Assistants at work")
        await room.say("bo", "@guide who is here?", wake=["guide", "haitch"])
        await heard.until(typing_ended)
    (answer,) = await room.answers()
    assert answer["message"].startswith("Hello Bo, good to meet you")
    assert "4 in this room" in answer["message"]


async def test_two_workers_are_one_member(
    tmp_path: Path, redis: Redis, store_url: str, room: TestRoom, model: ModelServer
) -> None:
    """The assistant is online as long as one of them is; each question is answered once."""
    model.play(speaks("yes"))
    presence = PresenceStore(redis, Pace(grace=0.0))
    async with (
        worker(tmp_path, store_url, **with_model(model)) as one,
        worker(tmp_path, store_url, **with_model(model)) as two,
        listening(redis, "lab") as heard,
    ):
        for process in (one, two):
            await process.says("Assistants at work")
        for number in range(12):
            await room.say(("ada", "bo")[number % 2], f"@haitch {number}", wake=["haitch"])
        await heard.until(lambda events: sum(isinstance(event, Logged) for event in events) == 24)
        assert len({answer["reply_to"] for answer in await room.answers()}) == 12
        one.process.terminate()
        assert await one.ends() == 0
        assert await presence.of(["haitch"]) == {"haitch": Presence.ONLINE}


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_an_ending_worker_gives_its_answer_away(
    tmp_path: Path, store_url: str, room: TestRoom, heard: Listener, model: ModelServer, how: signal.Signals
) -> None:
    """It ends within a second, the model's connection with it; the next worker answers the same message."""
    async with worker(tmp_path, store_url, **with_model(model)) as process:
        await process.says("Assistants at work")
        await room.say("ada", "@haitch hello", wake=["haitch"])
        exchange = await model.asked()
        await exchange.say("Hel")
        events = await heard.until(lambda events: len(pieces(events)) == 1)
        process.process.send_signal(how)
        async with asyncio.timeout(2):
            await exchange.disconnected.wait()
            assert await process.ends() == 0
    assert await room.answers() == []
    model.play(speaks("Hello"))
    async with worker(tmp_path, store_url, **with_model(model)):
        await heard.until(typing_ended)
    (answer,) = await room.answers()
    first = pieces(events)[0]
    assert (answer["message_id"], answer["message"]) == (first.message_id, "Hello")
    assert answer["assistant"]["run_id"] == f"{first.message_id}.2"


async def test_check_tells_what_a_worker_would_not_load(tmp_path: Path, store_url: str) -> None:
    """With the reason, and with exit code 1; the worker itself runs without it."""
    odd = {"PRODUCTFLO_ASSISTANTS": "guide,oracle", "REDIS_URL": store_url}
    async with running(*PRODUCTFLO, "assistants", "check", env=environment(tmp_path, **odd)) as check:
        await check.says("ok +guide")
        await check.says("broken +oracle: no installed package offers it")
        assert await check.ends() == 1
    async with running(*PRODUCTFLO, "assistants", "list", env=environment(tmp_path, **odd)) as listed:
        await listed.says(r"\* guide")
        assert await listed.ends() == 0
    async with running(*PRODUCTFLO, "assistants", "run", env=environment(tmp_path, **odd)) as process:
        await process.says("The assistant oracle is disabled")
        await process.says("Assistants at work: guide$")
