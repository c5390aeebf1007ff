"""Answers that do not come to their own end: stopped, failed or too long, and told plainly."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator

import answers
import pytest
from answers import Gate, Gates, finished, waits
from rooms import Listener, TestRoom, answers_of, person
from workers import working

from assistants import AssistantError, Context, answering, assistant
from productflo.protocol.inbound import MAX_TEXT
from productflo.store.events import PieceSaid
from productflo.store.keys import RoomKeys

room, heard, gates = answers.room, answers.heard, answers.gates


async def stop(room: TestRoom, message_id: str, by: str = "bo") -> bytes | None:
    """Ask for the end of an answer, as a person does."""
    return await answers_of(room).stop(person(by), "lab", message_id=message_id, run_id=None)


async def test_a_stop_closes_the_assistant_at_once(
    store_url: str, room: TestRoom, heard: Listener, gates: Gates
) -> None:
    """What was said stays, with who stopped it; what comes next is answered."""
    async with working(store_url, waits(gates)):
        await room.say("ada", "hello", wake=["echo"])
        events = await heard.until(lambda events: any(isinstance(event, PieceSaid) for event in events))
        (piece,) = [event for event in events if isinstance(event, PieceSaid)]
        assert await stop(room, piece.message_id) is None
        await asyncio.wait_for(gates.closed.wait(), 0.25)
        await heard.until(finished())
        gates.opened.set()
        await room.say("ada", "hello again", wake=["echo"])
        await heard.until(finished(2))
    first, second = await room.answers()
    assert (first["message"], first["assistant"]["state"], first["assistant"]["stopped_by"]) == (
        "one ",
        "stopped",
        "bo",
    )
    assert (second["message"], second["assistant"]["state"]) == ("one two", "done")


async def test_a_stop_that_the_bus_lost_is_found(
    store_url: str, room: TestRoom, heard: Listener, gates: Gates
) -> None:
    """The mark in the store is looked at with every save."""
    async with working(store_url, waits(gates)):
        await room.say("ada", "hello", wake=["echo"])
        await gates.reached.wait()
        await room.redis.hset(RoomKeys("lab").run("echo"), "stop", "bo")
        await heard.until(finished())
    (answer,) = await room.answers()
    assert answer["assistant"]["stopped_by"] == "bo"


async def test_who_may_have_lost_the_lease_does_not_show_even_the_first_piece(
    store_url: str, room: TestRoom, heard: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would stand in place of what the other worker has shown by then."""
    begun, go_on = Gate(), Gate()

    @assistant("echo")
    async def slow(ctx: Context) -> AsyncIterator[str]:
        begun.set()
        await go_on.wait()
        yield "stale"

    monkeypatch.setattr(answering, "CERTAIN", 0.0)  # As if the worker had stood still for that long.
    monkeypatch.setattr(answering, "SAVE", 60.0)
    async with working(store_url, slow, lease=0.5):
        await room.say("ada", "hello", wake=["echo"])
        await begun.wait()
        await room.redis.hset(RoomKeys("lab").run("echo"), "token", "another:99")
        go_on.set()
        events = await heard.until(finished())
    pieces = [event for event in events if isinstance(event, PieceSaid)]
    assert {piece.run_id.rpartition(".")[2] for piece in pieces} == {"2"}


@assistant("echo")
async def fails(ctx: Context) -> AsyncIterator[str]:
    """Says a secret in its exception."""
    yield "I looked, and"
    raise ValueError("password=hunter2")


@assistant("echo")
async def explains(ctx: Context) -> AsyncIterator[str]:
    """Says what the room may read."""
    yield "I looked, and"
    raise AssistantError("The drawing server is away.")


@assistant("echo")
async def leaves(ctx: Context) -> AsyncIterator[str]:
    """Would end the process."""
    yield "I looked, and"
    sys.exit(3)


@assistant("echo")
async def yields_a_number(ctx: Context) -> AsyncIterator[str]:
    """Yields what is no text."""
    yield "I looked, and"
    yield 42  # type: ignore[misc]


@assistant("echo")
async def cancels_itself(ctx: Context) -> AsyncIterator[str]:
    """Raises what only its runner may."""
    yield "I looked, and"
    raise asyncio.CancelledError


@assistant("echo", limits={"timeout": 0.2})
async def is_slow(ctx: Context) -> AsyncIterator[str]:
    """Outlasts its time."""
    yield "I looked, and"
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("broken", "told", "logged"),
    [
        (fails, "Something went wrong in me.", "hunter2"),
        (explains, "The drawing server is away.", "AssistantError"),
        (leaves, "Something went wrong in me.", "SystemExit"),
        (yields_a_number, "Something went wrong in me.", "an assistant yields text, not int"),
        (cancels_itself, "Something went wrong in me.", "CancelledError"),
        (is_slow, "I ran out of time after 0.2 seconds.", "out of time"),
    ],
)
async def test_a_failure_is_told_plainly(
    store_url: str,
    room: TestRoom,
    heard: Listener,
    caplog: pytest.LogCaptureFixture,
    broken: object,
    told: str,
    logged: str,
) -> None:
    """What was said is kept; the room reads a sentence and a reference, the log has the rest under it."""
    with caplog.at_level(logging.ERROR):
        async with working(store_url, broken):  # type: ignore[arg-type]
            await room.say("ada", "hello", wake=["echo"])
            await heard.until(finished())
    (answer,) = await room.answers()
    assert answer["message"].startswith(f"I looked, and\n\n*({told} Reference for the operator: ")
    assert "hunter2" not in answer["message"]
    assert answer["assistant"]["state"] == "failed"
    reference = answer["message"].rpartition(": ")[2].rstrip(".)*")
    assert f"reference {reference}" in caplog.text
    assert logged in caplog.text


async def test_an_assistant_that_refuses_to_end_is_left_behind(
    store_url: str, room: TestRoom, heard: Listener, gates: Gates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The room gets its final message within a bounded time, whatever the assistant does."""
    monkeypatch.setattr("assistants.answering.CLOSE", 0.1)

    @assistant("echo", limits={"timeout": 0.2})
    async def stubborn(ctx: Context) -> AsyncIterator[str]:
        yield "one"
        while not gates.opened.is_set():
            try:
                await gates.opened.wait()
            except asyncio.CancelledError:
                gates.reached.set()

    async with working(store_url, stubborn):
        await room.say("ada", "hello", wake=["echo"])
        await heard.until(finished())
        assert gates.reached.is_set()
        gates.opened.set()
    (answer,) = await room.answers()
    assert answer["assistant"]["state"] == "failed"


async def test_a_message_holds_only_so_much(store_url: str, room: TestRoom, heard: Listener) -> None:
    """An assistant that never stops is stopped at the length of a message, and the room is told."""

    @assistant("echo")
    async def endless(ctx: Context) -> AsyncIterator[str]:
        while True:
            yield "x" * 1000

    async with working(store_url, endless):
        await room.say("ada", "hello", wake=["echo"])
        await heard.until(finished())
    (answer,) = await room.answers()
    assert answer["assistant"]["state"] == "interrupted"
    assert answer["message"].startswith("x" * MAX_TEXT + "\n\n*(The answer is longer")
