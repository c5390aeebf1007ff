"""What an assistant is doing, as the room sees it while it does it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import answers
import orjson
import pytest
from answers import Gates, finished, passing
from rooms import Listener, TestRoom
from workers import working

from assistants import Context, assistant
from productflo.domain.passing import Passing
from productflo.protocol.messages import ToolCall
from productflo.store.events import Live, PieceSaid, RoomEvent

room, heard, gates = answers.room, answers.heard, answers.gates


def statuses(events: list[RoomEvent]) -> list[dict[str, Any]]:
    told = [orjson.loads(one)["data"] for one in passing(events)]
    return [one for one in told if one.get("code") == "ASSISTANT_STATUS"]


async def test_a_status_is_told_with_the_tools(
    store_url: str, room: TestRoom, heard: Listener, gates: Gates
) -> None:
    """At once and beside the text, which it is no part of; a reader who is slow may miss it."""

    @assistant("echo")
    async def searches(ctx: Context) -> AsyncIterator[str]:
        ctx.receipt.say("searching the drawings")
        await gates.opened.wait()
        ctx.receipt.tools.append(ToolCall(name="search", arguments="{}", state="running"))
        ctx.receipt.changed()
        yield "found"
        gates.reached.set()
        await gates.closed.wait()

    async with working(store_url, searches):
        question = await room.say("ada", "where?", wake=["echo"])
        await heard.until(lambda events: len(statuses(events)) == 1)
        gates.opened.set()
        events = await heard.until(lambda events: len(statuses(events)) == 2)
        gates.closed.set()
        await heard.until(finished())
    first, second = statuses(events)[:2]
    (answer,) = await room.answers()
    assert (first["message"], first["sender"], first["reply_to"]) == (
        "searching the drawings",
        "echo",
        question,
    )
    assert (first["message_id"], first["run_id"]) == (answer["message_id"], answer["assistant"]["run_id"])
    assert [tool["name"] for tool in second["tools"]] == ["search"]
    assert answer["message"] == "found"
    assert [tool["name"] for tool in answer["assistant"]["tools"]] == ["search"]
    told = [one for one in heard.events if isinstance(one, Live) and b"ASSISTANT_STATUS" in one.envelope]
    assert {one.passing for one in told} == {Passing.TYPING}
    assert [one.index for one in heard.events if isinstance(one, PieceSaid)] in ([0], [])


async def test_many_words_are_gathered(store_url: str, room: TestRoom, heard: Listener) -> None:
    """Of a flood of them the last is always told, and few of the others."""

    @assistant("echo")
    async def chatters(ctx: Context) -> AsyncIterator[str]:
        for number in range(100):
            ctx.receipt.say(f"step {number}")
            await asyncio.sleep(0.003)
        yield "done"
        await asyncio.sleep(0.15)

    async with working(store_url, chatters):
        await room.say("ada", "go", wake=["echo"])
        await heard.until(finished())
    told = [one["message"] for one in statuses(heard.events)]
    assert told[-1] == "step 99"
    assert len(told) <= 10


async def test_a_status_is_repeated_for_those_who_come_late(
    store_url: str, room: TestRoom, heard: Listener, gates: Gates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With each renewal of the typing."""
    monkeypatch.setattr("assistants.answering.TYPING_RENEWAL", 0.2)

    @assistant("echo")
    async def searches(ctx: Context) -> AsyncIterator[str]:
        ctx.receipt.say("searching")
        await gates.opened.wait()
        yield "found"

    async with working(store_url, searches):
        await room.say("ada", "where?", wake=["echo"])
        await heard.until(lambda events: len(statuses(events)) >= 3)
        gates.opened.set()
        await heard.until(finished())
