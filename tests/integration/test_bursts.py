"""What one person says in a row is one question, however far its answer has come."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import answers
from answers import Gates, echo, finished
from redis.asyncio import Redis
from rooms import Listener, TestRoom, listening, make_room, writing
from workers import working

from assistants import Context, assistant
from assistants.plugin import Assistant
from productflo.domain.bursts import BURST
from productflo.store.events import PieceSaid, RoomEvent

room, heard, gates = answers.room, answers.heard, answers.gates


def waits_for(parts: int, gates: Gates, seen: list[str]) -> Assistant[Any]:
    """Says what it was told, and goes on where that has so many lines."""

    @assistant("echo")
    async def waiting(ctx: Context) -> AsyncIterator[str]:
        seen.append(ctx.text)
        yield f"[{ctx.text}]"
        gates.reached.set()
        if ctx.text.count("\n") + 1 < parts:
            await gates.opened.wait()

    return waiting


def pieces(events: list[RoomEvent]) -> list[PieceSaid]:
    return [event for event in events if isinstance(event, PieceSaid)]


async def test_who_goes_on_is_answered_as_a_whole(
    store_url: str, room: TestRoom, heard: Listener, gates: Gates
) -> None:
    """At once to the first word; anew, under the same message id, when more comes."""
    seen: list[str] = []
    async with working(store_url, waits_for(3, gates, seen), burst=BURST):
        asked = [await room.say("ada", "which screws", wake=["echo"])]
        await heard.until(lambda events: bool(pieces(events)))
        asked.append(await room.say("ada", "for the lid,", wake=["echo"]))
        await heard.until(lambda events: len(pieces(events)) == 2)
        asked.append(await room.say("ada", "and how many?", wake=["echo"]))
        events = await heard.until(finished())
    (answer,) = await room.answers()
    assert seen[0] == "which screws"
    assert answer["message"] == "[which screws\nfor the lid,\nand how many?]"
    assert (answer["reply_to"], answer["assistant"]["questions"]) == (asked[-1], asked)
    assert {(piece.message_id, piece.index) for piece in pieces(events)} == {(answer["message_id"], 0)}
    assert answer["assistant"]["run_id"] == f"{answer['message_id']}.1"


async def test_what_waits_is_taken_as_one(store_url: str, room: TestRoom, heard: Listener) -> None:
    """Files, text and place of the whole; what was said before it is its history, its own parts are not."""
    history: list[list[str]] = []

    @assistant("echo")
    async def looks(ctx: Context) -> AsyncIterator[str]:
        history.append([message.text for message in await ctx.history()])
        yield ctx.text

    for text in ("one", "two", "three"):
        await room.say("ada", text)
    await room.wake("echo")
    async with working(store_url, looks, burst=BURST):
        await heard.until(finished())
    assert [answer["message"] for answer in await room.answers()] == ["one\ntwo\nthree"]
    assert history == [[]]


async def test_two_seconds_apart_are_two(store_url: str, room: TestRoom, heard: Listener) -> None:
    """By the store's clock, whenever they are taken."""
    asked = [await room.say("ada", "one")]
    await heard.quiet(BURST + 0.1)
    asked.append(await room.say("ada", "two", wake=["echo"]))
    async with working(store_url, echo, burst=BURST):
        await heard.until(finished(2))
    assert [answer["reply_to"] for answer in await room.answers()] == asked


async def test_somebody_else_ends_a_burst(redis: Redis, store_url: str) -> None:
    """Who asks something in between does, who says something does not; what is for others is apart."""
    async with writing(redis) as log, listening(redis, "team") as heard:
        room = await make_room(redis, log, "team", people=["ada", "bo"])
        said = [
            ("ada", "@echo one"),
            ("bo", "hm"),
            ("ada", "two"),
            ("bo", "@echo three"),
            ("ada", "@echo four"),
        ]
        asked = [await room.say(*one) for one in said]
        await room.say("ada", "that was for bo", reply_to=asked[1])
        await room.wake("echo")
        async with working(store_url, echo, burst=BURST):
            await heard.until(finished(3))
    told = [(answer["message"], answer["reply_to"]) for answer in await room.answers()]
    assert told == [
        ("You said: one\ntwo", asked[2]),
        ("You said: three", asked[3]),
        ("You said: four", asked[4]),
    ]


async def test_an_answer_that_has_acted_does_not_begin_anew(
    store_url: str, room: TestRoom, heard: Listener, gates: Gates
) -> None:
    """What comes then is a question of its own."""
    acted: list[str] = []

    @assistant("echo")
    async def acts(ctx: Context) -> AsyncIterator[str]:
        await ctx.receipt.before_acting()
        acted.append(ctx.text)
        yield ctx.text
        gates.reached.set()
        await gates.opened.wait()

    async with working(store_url, acts, burst=BURST):
        await room.say("ada", "order one", wake=["echo"])
        await gates.reached.wait()
        await room.say("ada", "or two", wake=["echo"])
        await heard.until(lambda events: b"ASSISTANT_QUEUE" in b"".join(answers.passing(events)))
        gates.opened.set()
        await heard.until(finished(2))
    assert acted == ["order one", "or two"]
    assert [answer["message"] for answer in await room.answers()] == ["order one", "or two"]


async def test_an_answer_that_begins_anew_does_not_act(
    store_url: str, room: TestRoom, heard: Listener, gates: Gates
) -> None:
    """Once it is to begin anew, it may not act any more for a question that was not whole."""
    acted: list[str] = []
    closing = asyncio.Event()

    @assistant("echo")
    async def acts_late(ctx: Context) -> AsyncIterator[str]:
        yield ctx.text
        if "\n" not in ctx.text:
            try:
                await gates.opened.wait()
            except asyncio.CancelledError:
                closing.set()
                await ctx.receipt.before_acting()
                acted.append(ctx.text)
                raise
        await ctx.receipt.before_acting()
        acted.append(ctx.text)

    async with working(store_url, acts_late, burst=BURST):
        await room.say("ada", "order", wake=["echo"])
        await heard.until(lambda events: bool(pieces(events)))
        await room.say("ada", "one", wake=["echo"])
        await heard.until(finished())
    assert closing.is_set()
    assert acted == ["order\none"]
