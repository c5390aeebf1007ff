"""An answer that is given anew: the same question, another message."""

from collections.abc import AsyncIterator
from typing import Any

import answers
import pytest
from answers import Gates, finished, waits
from redis.asyncio import Redis
from revising import revision
from rooms import Listener, TestRoom, answers_of, person
from workers import working

from assistants import Context, assistant
from assistants.plugin import Assistant
from productflo.errors import Conflict, NotFound, PermissionDenied, RateLimited
from productflo.protocol.codes import Stoppers
from productflo.store.rooms import Rooms
from productflo.store.runs import AGAIN, RunStore

room, heard, gates = answers.room, answers.heard, answers.gates


def counts() -> Assistant[Any]:
    """Numbers its answers."""
    given: list[str] = []

    @assistant("echo")
    async def counting(ctx: Context) -> AsyncIterator[str]:
        given.append(ctx.text)
        yield f"{len(given)}: {ctx.text}"

    return counting


def waits_later(gates: Gates) -> Assistant[Any]:
    """Numbers its answers, and waits for its gate in the middle of each but the first."""
    given: list[str] = []

    @assistant("echo")
    async def waiting(ctx: Context) -> AsyncIterator[str]:
        given.append(ctx.text)
        yield str(len(given))
        if len(given) > 1:
            gates.reached.set()
            await gates.opened.wait()

    return waiting


async def regenerate(room: TestRoom, message_id: str, by: str = "bo") -> None:
    """As a person does, and its wake-up arrives."""
    await answers_of(room).regenerate(person(by), "lab", message_id)
    await room.wake("echo")


async def test_the_same_question_is_answered_again(store_url: str, room: TestRoom, heard: Listener) -> None:
    """In a message of its own that names the old one; also an answer anew, and one to several messages."""
    async with working(store_url, counts(), burst=2.0):
        asked = [await room.say("ada", text) for text in ("which", "screws?")]
        await room.wake("echo")
        await heard.until(finished())
        (first,) = await room.answers()
        await regenerate(room, first["message_id"])
        await heard.until(finished(2))
        second = (await room.answers())[-1]
        await regenerate(room, second["message_id"], by="ada")
        await heard.until(finished(3))
    told = await room.answers()
    assert [one["message"] for one in told] == [f"{number}: which\nscrews?" for number in (1, 2, 3)]
    assert {one["reply_to"] for one in told} == {asked[-1]}
    assert [one["assistant"].get("regenerates") for one in told] == [
        None,
        first["message_id"],
        second["message_id"],
    ]
    assert len({one["message_id"] for one in told}) == 3
    assert await room.redis.hget("{lab}:run:echo", "again") is None


async def test_it_is_given_with_the_rights_of_who_wants_it(
    store_url: str, room: TestRoom, heard: Listener
) -> None:
    """Who regenerates another's question neither reads nor does anything as that one, nor the reverse."""

    @assistant("echo")
    async def remembers(ctx: Context) -> AsyncIterator[str]:
        kept = await ctx.store.user.get("secret")
        await ctx.store.user.set("secret", f"{ctx.asker.id}'s")
        yield f"{ctx.message.sender} said it, {ctx.asker_identity.user_id} asks: {kept}"

    async with working(store_url, remembers):
        await room.say("ada", "hello", wake=["echo"])
        await heard.until(finished())
        (first,) = await room.answers()
        await regenerate(room, first["message_id"], by="bo")
        await heard.until(finished(2))
        await regenerate(room, first["message_id"], by="ada")
        await heard.until(finished(3))
    assert [one["message"] for one in await room.answers()] == [
        "ada said it, ada asks: None",
        "ada said it, bo asks: None",
        "ada said it, ada asks: ada's",
    ]


async def test_asked_for_twice_it_is_given_once_and_in_its_turn(
    store_url: str, room: TestRoom, heard: Listener, gates: Gates
) -> None:
    """After the questions that stood in the log, before those that came later."""
    async with working(store_url, waits_later(gates)):
        first = await room.say("ada", "first", wake=["echo"])
        await heard.until(finished())
        (old,) = await room.answers()
        second = await room.say("ada", "second", wake=["echo"])
        await gates.reached.wait()
        third = await room.say("ada", "third", wake=["echo"])
        for _ in range(2):
            await regenerate(room, old["message_id"])
        fourth = await room.say("ada", "fourth", wake=["echo"])
        gates.opened.set()
        await heard.until(finished(5))
    assert [one["reply_to"] for one in await room.answers()] == [first, second, third, first, fourth]


async def test_it_waits_for_a_worker(store_url: str, room: TestRoom, heard: Listener) -> None:
    """The request is kept; without its wake-up the sweep finds it."""
    async with working(store_url, counts()):
        await room.say("ada", "hello", wake=["echo"])
        await heard.until(finished())
    (old,) = await room.answers()
    await answers_of(room).regenerate(person("ada"), "lab", old["message_id"])
    assert await RunStore(room.redis).behind("echo", ["lab"]) == ["lab"]
    async with working(store_url, counts()):
        await heard.until(finished(2))
    assert [one["message"] for one in await room.answers()] == ["1: hello", "1: hello"]


async def test_it_is_withdrawn_while_it_waits(
    store_url: str, room: TestRoom, heard: Listener, gates: Gates
) -> None:
    """By the id of the answer that it was to take the place of, as a question by its own; it is never asked,
    and nothing behind it waits for it. Asked for again it is given."""
    runs = answers_of(room)
    async with working(store_url, waits_later(gates)):
        first = await room.say("ada", "first", wake=["echo"])
        await heard.until(finished())
        (old,) = await room.answers()
        second = await room.say("ada", "second", wake=["echo"])
        await gates.reached.wait()
        await regenerate(room, old["message_id"])
        for _ in range(2):
            assert await runs.stop(person("bo"), "lab", message_id=old["message_id"], run_id=None) is None
        third = await room.say("ada", "third", wake=["echo"])
        gates.opened.set()
        await heard.until(finished(3))
        ended = await runs.stop(person("bo"), "lab", message_id=old["message_id"], run_id=None)
        assert ended is not None
        assert old["message_id"].encode() in ended
        await regenerate(room, old["message_id"])
        await heard.until(finished(4))
    assert [one["reply_to"] for one in await room.answers()] == [first, second, third, first]
    assert await room.redis.hget("{lab}:run:echo", "again") is None


async def test_it_is_wanted_again_after_all(
    store_url: str, room: TestRoom, heard: Listener, gates: Gates
) -> None:
    """Withdrawn and asked for again while it waits, it is given once."""
    runs = answers_of(room)
    async with working(store_url, waits_later(gates)):
        first = await room.say("ada", "first", wake=["echo"])
        await heard.until(finished())
        (old,) = await room.answers()
        second = await room.say("ada", "second", wake=["echo"])
        await gates.reached.wait()
        await regenerate(room, old["message_id"])
        await runs.stop(person("bo"), "lab", message_id=old["message_id"], run_id=None)
        await regenerate(room, old["message_id"], by="ada")
        gates.opened.set()
        await heard.until(finished(3))
    assert [one["reply_to"] for one in await room.answers()] == [first, second, first]


async def test_the_old_answer_names_the_one_that_is_being_given_anew(
    store_url: str, room: TestRoom, heard: Listener, gates: Gates
) -> None:
    """Withdrawn then, it stops, with what was said; in a room that lets the asker only, who wanted it may."""
    runs = answers_of(room)
    async with working(store_url, waits_later(gates)):
        await room.say("ada", "first", wake=["echo"])
        await heard.until(finished())
        (old,) = await room.answers()
        await regenerate(room, old["message_id"])
        await gates.reached.wait()
        await Rooms(room.redis).let_stop("lab", Stoppers.ASKER)
        with pytest.raises(PermissionDenied):
            await runs.stop(person("cy"), "lab", message_id=old["message_id"], run_id=None)
        await runs.stop(person("bo"), "lab", message_id=old["message_id"], run_id=None)
        await heard.until(finished(2))
    anew = (await room.answers())[-1]
    assert (anew["message"], anew["assistant"]["state"]) == ("2", "stopped")
    assert anew["assistant"]["stopped_by"] == "bo"
    assert await room.redis.hget("{lab}:run:echo", "again") is None


async def test_it_can_be_stopped(store_url: str, room: TestRoom, heard: Listener, gates: Gates) -> None:
    """Also by deleting the question; what comes next is answered."""
    async with working(store_url, waits_later(gates)):
        question = await room.say("ada", "hello", wake=["echo"])
        await heard.until(finished())
        (old,) = await room.answers()
        await regenerate(room, old["message_id"])
        await gates.reached.wait()
        await room.log.append(await revision(room.redis, room.log, "lab", "delete", question))
        await heard.until(finished(2))
        gates.opened.set()
        await room.say("ada", "hello again", wake=["echo"])
        await heard.until(finished(3))
    assert [one["message"] for one in await room.answers()] == ["1", "2", "3"]


async def test_what_can_not_be_given_anew(
    store_url: str, redis: Redis, room: TestRoom, heard: Listener, gates: Gates
) -> None:
    """What is no answer, is being written, has lost its question or its assistant; and too many at once."""
    runs = answers_of(room)
    async with working(store_url, waits(gates)):
        question = await room.say("ada", "hello", wake=["echo"])
        await gates.reached.wait()
        (writing,) = await runs.running("lab")
        with pytest.raises(Conflict, match="still being written"):
            await runs.regenerate(person("ada"), "lab", writing.message_id)
        for nothing in (question, "nothing"):
            with pytest.raises(NotFound) as told:
                await runs.regenerate(person("ada"), "lab", nothing)
            assert told.value.field == "data.message_id"
        gates.opened.set()
        await heard.until(finished())
    waiting = b"[" + b",".join(b'{"answer":"m%d","by":"ada","at":1}' % n for n in range(AGAIN)) + b"]"
    await redis.hset("{lab}:run:echo", "again", waiting)
    with pytest.raises(RateLimited):
        await runs.regenerate(person("ada"), "lab", writing.message_id)
    await Rooms(redis).leave("lab", "echo", b"{")
    with pytest.raises(NotFound, match="no assistant of this room"):
        await runs.regenerate(person("ada"), "lab", writing.message_id)
    await room.log.append(await revision(redis, room.log, "lab", "delete", question))
    with pytest.raises(Conflict, match="question of this answer is gone"):
        await runs.regenerate(person("ada"), "lab", writing.message_id)


async def test_a_request_whose_question_went_is_dropped(
    store_url: str, room: TestRoom, heard: Listener
) -> None:
    """It holds up nothing."""
    async with working(store_url, counts()):
        question = await room.say("ada", "hello", wake=["echo"])
        await heard.until(finished())
    (old,) = await room.answers()
    await answers_of(room).regenerate(person("ada"), "lab", old["message_id"])
    await room.log.append(await revision(room.redis, room.log, "lab", "delete", question))
    await room.say("ada", "hello again", wake=["echo"])
    async with working(store_url, counts()):
        await heard.until(finished(2))
    assert [one["message"] for one in await room.answers()] == ["1: hello", "1: hello again"]
    assert await room.redis.hget("{lab}:run:echo", "again") is None
