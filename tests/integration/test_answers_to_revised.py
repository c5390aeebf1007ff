"""Questions that are edited or deleted, before they are answered, meanwhile, and afterwards."""

from collections.abc import AsyncIterator
from typing import Any

import answers
import pytest
from answers import Gates, echo, finished, waits
from revising import revision
from rooms import Listener, TestRoom, listening
from workers import working

from assistants import Context, assistant
from productflo.store.events import PieceSaid
from productflo.store.runs import RunStore

room, heard, gates = answers.room, answers.heard, answers.gates


async def change(room: TestRoom, code: str, message_id: str, **data: str) -> None:
    """Ada edits or deletes a message."""
    await room.log.append(await revision(room.redis, room.log, room.name, code, message_id, **data))


async def test_deleting_a_question_stops_its_answer(
    store_url: str, room: TestRoom, heard: Listener, gates: Gates
) -> None:
    """At once; what was said stays, with who stopped it. The next question is answered."""
    async with working(store_url, waits(gates)):
        question = await room.say("ada", "hello", wake=["echo"])
        await heard.until(lambda events: any(isinstance(event, PieceSaid) for event in events))
        await change(room, "delete", question)
        await heard.until(finished())
        assert gates.closed.is_set()
        gates.opened.set()
        await room.say("ada", "hello again", wake=["echo"])
        await heard.until(finished(2))
    first, second = await room.answers()
    assert (first["message"], first["assistant"]["state"], first["assistant"]["stopped_by"]) == (
        "one ",
        "stopped",
        "ada",
    )
    assert second["message"] == "one two"


async def test_a_deleted_question_is_passed_over(store_url: str, room: TestRoom, heard: Listener) -> None:
    """One that waits; and one of which a worker knew when it was deleted."""
    gone = await room.say("ada", "hello")
    await change(room, "delete", gone)
    await room.say("ada", "hello again", wake=["echo"])
    async with working(store_url, echo):
        await heard.until(finished())
    (answer,) = await room.answers()
    assert answer["message"] == "You said: hello again"


async def test_a_question_deleted_as_it_is_taken_up_is_not_answered(
    store_url: str, room: TestRoom, heard: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker has read it, but not begun: the deletion finds no answer to stop."""
    begun: list[str] = []
    begin: Any = RunStore.begin

    async def deleted_before(store: RunStore, *args: object) -> object:
        if not begun:
            begun.append(question)
            await change(room, "delete", question)
        return await begin(store, *args)

    question = await room.say("ada", "hello", wake=["echo"])
    await room.say("ada", "hello again", wake=["echo"])
    monkeypatch.setattr(RunStore, "begin", deleted_before)
    async with working(store_url, echo):
        await heard.until(finished())
    assert begun == [question]
    (answer,) = await room.answers()
    assert answer["message"] == "You said: hello again"


async def test_an_edited_question_is_answered_as_it_is_and_once(
    store_url: str, room: TestRoom, heard: Listener
) -> None:
    """An edit of one that waits is seen; an edit of an answered one wakes nobody."""
    question = await room.say("ada", "helo")
    await change(room, "edit", question, message="hello")
    await room.redis.xadd("ready:echo", {"room": room.name})
    async with working(store_url, echo):
        await heard.until(finished())
        await change(room, "edit", question, message="hello there")
        await room.redis.xadd("ready:echo", {"room": room.name})
        async with listening(room.redis, room.name) as later:
            await room.say("ada", "and now?", wake=["echo"])
            await later.until(finished())
    told = [answer["message"] for answer in await room.answers()]
    assert told == ["You said: hello", "You said: and now?"]


async def test_history_is_what_stands_now(store_url: str, room: TestRoom, heard: Listener) -> None:
    """Edited as it is, deleted not at all."""

    @assistant("echo")
    async def recalls(ctx: Context) -> AsyncIterator[str]:
        yield " / ".join(message.text for message in await ctx.history())

    said = [await room.say("ada", text) for text in ("first", "secret", "third")]
    await change(room, "delete", said[1])
    await change(room, "edit", said[0], message="the first")
    for number in range(60):
        action = "remove" if number % 2 else "add"
        await change(room, "reaction", said[2], emoji="x", action=action)
    await room.say("ada", "what was said?", wake=["echo"])
    async with working(store_url, recalls):
        await heard.until(finished(3))
    assert (await room.answers())[-1]["message"] == "the first / third"
