"""Several assistants in a room: one answers what all hear, and they do not talk to each other without end."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import answers
import pytest
from answers import Gates, finished, gates
from redis.asyncio import Redis
from rooms import Listener, TestRoom, listening, make_room, writing
from workers import working

from assistants import Context, assistant
from assistants.plugin import Assistant
from productflo.domain.bursts import BURST
from productflo.protocol.codes import Kind
from productflo.store.events import RoomEvent, Typed
from productflo.store.rooms import Member, Rooms

heard = answers.heard

__all__ = ["gates"]
THREE = ("anna", "bert", "carl")


def named(name: str, *, says: str = "", max_hops: int = 0, gates: Gates | None = None) -> Assistant[Any]:
    """Says its name and what it was told; the second of two words in a burst lets it go on."""

    @assistant(name, limits={"max_hops": max_hops})
    async def answers(ctx: Context) -> AsyncIterator[str]:
        yield says or f"{name}: {ctx.text}"
        if gates and "\n" not in ctx.text:
            gates.reached.set()
            await gates.opened.wait()

    return answers


@pytest.fixture
async def room(redis: Redis) -> AsyncIterator[TestRoom]:
    """Two people and three assistants, who hear everything."""
    async with writing(redis) as log:
        room = await make_room(redis, log, "lab", people=["ada", "bo"], assistants=THREE)
        for one in THREE:
            await Rooms(redis).add_assistant("lab", Member(one, one, Kind.ASSISTANT), "all")
        yield room


async def all_passed(room: TestRoom) -> None:
    """Wait until all three have dealt with all that was said."""
    last = int(await room.redis.hget("{lab}:meta", "seq") or 0)
    async with listening(room.redis, "lab") as listener:
        while True:
            runs = [await room.redis.hmget(f"{{lab}}:run:{one}", ["cursor", "token"]) for one in THREE]
            if all(int(cursor or 0) >= last and token is None for cursor, token in runs):
                return
            await listener.quiet(0.05)


async def test_one_of_all_that_hear_answers(store_url: str, room: TestRoom) -> None:
    """Three listeners, each on three workers: every question is answered once, in order."""
    async with AsyncExitStack() as workers:
        for _ in range(3):
            await workers.enter_async_context(working(store_url, *(named(one) for one in THREE)))
        asked = [await room.say(("ada", "bo")[at % 2], f"q{at}", wake=THREE) for at in range(20)]
        await all_passed(room)
        last = int(await room.redis.hget("{lab}:meta", "seq") or 0)
        assert last == 40
    answers = await room.answers()
    assert sorted(answer["reply_to"] for answer in answers) == sorted(asked)
    for one in THREE:
        own = [asked.index(answer["reply_to"]) for answer in answers if answer["sender"] == one]
        assert own == sorted(own)


async def test_who_is_addressed_answers_and_the_listeners_do_not(store_url: str, room: TestRoom) -> None:
    """Two who are named both do."""
    async with working(store_url, *(named(one) for one in THREE)):
        await room.say("ada", "@carl why?", wake=THREE)
        await room.say("bo", "@anna and @bert, why?", wake=THREE)
        await all_passed(room)
    assert sorted(answer["sender"] for answer in await room.answers()) == ["anna", "bert", "carl"]


async def test_a_burst_has_one_answer_though_several_hear_it(
    store_url: str, room: TestRoom, heard: Listener, gates: Gates
) -> None:
    """The one that began with the first word goes on with the next; the others leave that to it."""
    async with working(store_url, *(named(one, gates=gates) for one in THREE), burst=BURST):
        await room.say("ada", "which screws", wake=THREE)
        await gates.reached.wait()
        await room.say("ada", "and how many?", wake=THREE)
        await heard.until(finished())
        await all_passed(room)
    (answer,) = await room.answers()
    assert answer["message"] == f"{answer['sender']}: which screws\nand how many?"


async def test_without_the_claim_all_would(
    store_url: str, room: TestRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: the same with assistants that take every claim for granted."""

    async def granted(*_: object) -> bool:
        return True

    monkeypatch.setattr("productflo.store.runs.RunStore.claim", granted)
    async with working(store_url, *(named(one) for one in THREE)):
        await room.say("ada", "why?", wake=THREE)
        await all_passed(room)
    assert len(await room.answers()) == 3


@pytest.mark.parametrize(("max_hops", "hops"), [(0, [0]), (1, [0, 1]), (3, [0, 1, 2, 3])])
async def test_a_talk_of_assistants_ends(
    redis: Redis, store_url: str, max_hops: int, hops: list[int]
) -> None:
    """Two that always name each other stop after so many messages; each says how far it is from a person."""
    async with writing(redis) as log, listening(redis, "duo") as heard:
        room = await make_room(redis, log, "duo", assistants=["anna", "bert"])
        anna = named("anna", says="@bert, what do you think?", max_hops=max_hops)
        bert = named("bert", says="@anna, what do you think?", max_hops=max_hops)
        async with working(store_url, anna, bert):
            await room.say("ada", "@anna go", wake=["anna"])
            await heard.until(lambda events: len(ended(events)) == len(hops))
            await heard.quiet(0.5)
    told = [(answer["sender"], answer["assistant"]["hops"]) for answer in await room.answers()]
    assert told == [(("anna", "bert")[at % 2], hop) for at, hop in enumerate(hops)]


def ended(events: list[RoomEvent]) -> list[RoomEvent]:
    return [event for event in events if isinstance(event, Typed) and not event.started]
