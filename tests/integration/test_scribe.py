"""Scribe: accounts of a room whose every point cites messages that were there."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asked_model
import pytest
from model_server import Exchange, ModelServer, request_texts, speaks
from redis.asyncio import Redis
from rooms import TestRoom, listening, make_room, writing
from workers import working

from assistants.llm import ChatModel
from assistants.scribe import ScribeSettings, scribe
from productflo.store.events import RoomEvent, Typed

model = asked_model.server

Ask = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
async def room(redis: Redis) -> AsyncIterator[TestRoom]:
    async with writing(redis) as log:
        yield await make_room(redis, log, "lab", people=["ada", "bo"], assistants=["scribe"])


@pytest.fixture
async def ask(redis: Redis, room: TestRoom, store_url: str, model: ModelServer) -> AsyncIterator[Ask]:
    """Ask scribe, with settings where a test has some; its finished message."""
    async with listening(redis, "lab") as heard:

        async def asking(text: str, who: str = "ada", **settings: int) -> dict[str, Any]:
            before = len(await room.answers())

            def holds(events: list[RoomEvent]) -> bool:
                ends = sum(isinstance(one, Typed) and not one.started for one in events)
                return ends > before

            server = ChatModel(api_key=None, base_url=model.url)
            async with working(store_url, scribe, model=server, settings=ScribeSettings(**settings)):
                await room.say(who, f"@scribe {text}", wake=["scribe"], mentions=["scribe"])
                await heard.until(holds)
            return (await room.answers())[-1]

        yield asking


async def test_each_point_cites_messages_that_were_given(
    room: TestRoom, ask: Ask, model: ModelServer
) -> None:
    """Points without such a citation are left out, and that is said; the receipt says what was read."""
    await room.say("ada", "Shall we take 6061?")
    await room.say("bo", "Yes, 6061 it is")
    model.play(speaks("- Aluminium 60", "61, by Bo [#1, #2]\n- Steel lids [#4]\n- Gold", " screws\n"))
    answer = await ask("/decisions")
    assert answer["message"] == (
        "**Decisions** of 2 messages, #1 to #2\n\n- Aluminium 6061, by Bo [#1] [#2]\n"
        "\n*(2 points were left out: no message that I read was cited for it.)*"
    )
    context = answer["assistant"]["context"]
    assert (context["from_seq"], context["to_seq"], context["cut"]) == (1, 2, False)
    brief, given = request_texts(model.exchanges[0])
    assert "List what was decided" in brief
    assert given == "[#1] Ada: Shall we take 6061?\n[#2] Bo: Yes, 6061 it is"


@pytest.mark.parametrize(
    ("text", "heading"),
    [
        ("/summary", "Summary"),
        ("please summarise this", "Summary"),
        ("/actions", "Action items"),
        ("what are the next steps?", "Action items"),
        ("any open questions?", "Open questions"),
        ("what was decided?", "Decisions"),
        ("what did I miss?", "What you missed"),
    ],
)
async def test_asked_by_a_command_or_in_words(
    room: TestRoom, ask: Ask, model: ModelServer, text: str, heading: str
) -> None:
    """In whatever way one asks for it."""
    await room.say("bo", "Something")
    model.play(speaks("- Something was said [#1]"))
    answer = await ask(text)
    assert answer["message"] == f"**{heading}** of 1 message, #1 to #1\n\n- Something was said [#1]\n"


async def test_what_it_can_do(ask: Ask, model: ModelServer) -> None:
    """Anything else is answered with its commands, and the model is not asked."""
    answer = await ask("hello")
    assert "- `/decisions`: What was decided, and by whom" in answer["message"]
    assert not model.exchanges


async def test_an_empty_room(ask: Ask, model: ModelServer) -> None:
    """There is nothing to ask the model about."""
    assert (await ask("/summary"))["message"] == "I found nothing to sum up: there is no message to read."
    assert not model.exchanges


async def test_a_model_that_finds_nothing(room: TestRoom, ask: Ask, model: ModelServer) -> None:
    """That is said, and is no fault."""
    await room.say("bo", "Nice weather")
    model.play(speaks("none"))
    assert (await ask("/decisions"))["message"].endswith("\n\nI found no decision.\n")


async def test_what_one_missed_begins_after_ones_last_word(
    room: TestRoom, ask: Ask, model: ModelServer
) -> None:
    """Asking scribe is no such word; what scribe said is nothing that one missed."""
    await room.say("bo", "before")
    await room.say("ada", "I am off")
    model.play(speaks("- Bo is back [#3]"))
    await room.say("bo", "I am back")
    await ask("/catchup")
    await ask("/catchup")
    assert [parts(exchange) for exchange in model.exchanges] == ["[#3] Bo: I am back"] * 2


def parts(exchange: Exchange) -> str:
    return str(list(request_texts(exchange))[1])


async def test_a_long_room_is_read_in_parts(room: TestRoom, ask: Ask, model: ModelServer) -> None:
    """Each for its points; the whole may cite what they cite, and no more."""
    for at in range(1, 7):
        await room.say("bo", f"point {at} " + "x" * 400)

    async def script(exchange: Exchange) -> None:
        given = parts(exchange)
        if given.startswith("These are points"):
            await exchange.say("- All of it [#1] [#6]\n- Not found by a part [#2]\n")
        else:
            first = int(given[2 : given.index("]")])
            await exchange.say(f"- Point {first} [#{first}]\n- From another part [#{(first + 3) % 6}]\n")
        await exchange.finish()

    model.play(script)
    answer = await ask("/summary", tokens=250)
    *read, whole = model.exchanges
    assert [parts(one)[:4] for one in read] == ["[#1]", "[#3]", "[#5]"]
    assert parts(whole).endswith("\n\n- Point 1 [#1]\n- Point 3 [#3]\n- Point 5 [#5]")
    assert answer["message"].startswith(
        "**Summary** of 6 messages, #1 to #6\n\n- All of it [#1]\n\n*(4 points"
    )


async def test_what_is_too_much_is_left_out_from_the_oldest(
    room: TestRoom, ask: Ask, model: ModelServer
) -> None:
    """By messages and by parts; the answer and its receipt say so."""
    for at in range(1, 7):
        await room.say("bo", f"point {at} " + "x" * 400)
    model.play(speaks("- Found [#6]"))
    answer = await ask("/summary", tokens=250, parts=1)
    assert answer["message"].startswith("**Summary** of 2 messages, #5 to #6; older ones are left out")
    assert answer["assistant"]["context"]["cut"] is True
    answer = await ask("/summary", history=3)
    assert "of 3 messages, #4 to #6; older ones are left out" in answer["message"]
