"""The right to stay silent: what several hear, and one of them has nothing to say to, the next is asked."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import answers
import pytest
from answers import Gates, gates, passing
from redis.asyncio import Redis
from rooms import PATIENCE, Listener, TestRoom, answers_of, listening, make_room, person, writing
from workers import woken, working

from assistants import Context, assistant
from assistants.plugin import Assistant
from productflo.domain.bursts import BURST
from productflo.errors import LeaseLost
from productflo.protocol.codes import Kind
from productflo.store import runs
from productflo.store.asked import Asking, PassedOn, Silence
from productflo.store.keys import RoomKeys
from productflo.store.rooms import Member, Rooms
from productflo.store.runs import Lease, RunStore

heard = answers.heard

__all__ = ["gates"]
THREE = ("anna", "bert", "carl")
Run = tuple[int, bool, bool]


class Cast:
    """Three assistants, and what each was asked, in order; `silent` names those that say nothing to it."""

    def __init__(self, *silent: str) -> None:
        self.silent = set(silent)
        self.asked: list[tuple[str, str]] = []

    def each(self) -> list[Assistant[Any]]:
        """The three."""
        return [self._named(one) for one in THREE]

    def _named(self, name: str) -> Assistant[Any]:
        @assistant(name)
        async def answers(ctx: Context) -> AsyncIterator[str]:
            self.asked.append((name, ctx.text))
            if name not in self.silent:
                yield f"{name}: {ctx.text}"

        return answers


@pytest.fixture
async def room(redis: Redis) -> AsyncIterator[TestRoom]:
    """Two people and three assistants, who hear everything."""
    async with writing(redis) as log:
        room = await make_room(redis, log, "lab", people=["ada", "bo"], assistants=THREE)
        for one in THREE:
            await listens(room, one, "all")
        yield room


async def listens(room: TestRoom, name: str, word: str) -> None:
    """The room's members choose how it listens."""
    await Rooms(room.redis).add_assistant(room.name, Member(name, name, Kind.ASSISTANT), word)


async def until(room: TestRoom, holds: Callable[[list[Run]], bool], *names: str) -> None:
    """Wait until the runs of the named are as wished: cursor, and whether a lease and something to be asked
    again are there."""
    async with asyncio.timeout(PATIENCE), listening(room.redis, "lab") as listener:
        while True:
            keys = [RoomKeys("lab").run(one) for one in names]
            found = [await room.redis.hmget(key, ["cursor", "token", "again"]) for key in keys]
            if holds([(int(cursor), bool(token), bool(again)) for cursor, token, again in found]):
                return
            await listener.quiet(0.05)


async def all_dealt_with(room: TestRoom) -> None:
    """Wait until nothing is left for any of the three."""
    last = int(await room.redis.hget("{lab}:meta", "seq") or 0)
    await until(room, lambda three: all(run[0] >= last and not any(run[1:]) for run in three), *THREE)


async def test_the_next_by_id_is_asked(store_url: str, room: TestRoom, heard: Listener) -> None:
    """At once, by its wake-up; each once, until one has something to say."""
    cast = Cast("bert", "anna")
    async with woken(store_url, *cast.each()):
        asked = await room.say("ada", "why?", wake=["bert"])
        await heard.until(lambda events: len(heard_answers(events)) == 1)
    assert cast.asked == [("bert", "why?"), ("anna", "why?"), ("carl", "why?")]
    (answer,) = await room.answers()
    assert (answer["sender"], answer["reply_to"]) == ("carl", asked)
    assert "regenerates" not in answer["assistant"]


async def test_where_all_are_silent_each_was_asked_once(store_url: str, room: TestRoom) -> None:
    """And nothing is left of it."""
    cast = Cast(*THREE)
    async with AsyncExitStack() as workers:
        for _ in range(2):
            await workers.enter_async_context(working(store_url, *cast.each()))
        for number in range(5):
            await room.say(("ada", "bo")[number % 2], f"q{number}", wake=THREE)
        await all_dealt_with(room)
    assert sorted(cast.asked) == [(one, f"q{number}") for one in THREE for number in range(5)]
    assert await room.answers() == []


@pytest.mark.parametrize("speaker", THREE)
async def test_every_question_finds_the_one_that_speaks(store_url: str, room: TestRoom, speaker: str) -> None:
    """Three workers and twenty questions, whoever claims them: each is answered once, none asked twice."""
    cast = Cast(*(set(THREE) - {speaker}))
    async with AsyncExitStack() as workers:
        for _ in range(3):
            await workers.enter_async_context(working(store_url, *cast.each()))
        asked = [await room.say(("ada", "bo")[at % 2], f"q{at}", wake=THREE) for at in range(20)]
        await all_dealt_with(room)
    told = await room.answers()
    assert sorted(answer["reply_to"] for answer in told) == sorted(asked)
    assert {answer["sender"] for answer in told} == {speaker}
    assert len(set(cast.asked)) == len(cast.asked)


async def test_what_is_asked_on_is_asked_of_the_first_one_again(
    store_url: str, room: TestRoom, heard: Listener
) -> None:
    """Words that come after a silence are a question of their own, and not lost between the two."""
    cast = Cast("anna")
    async with woken(store_url, *cast.each(), burst=BURST):
        await room.say("ada", "which screws", wake=["anna"])
        await heard.until(lambda events: len(heard_answers(events)) == 1)
        await room.say("ada", "and how many?", wake=["bert", "carl"])
        await until(room, lambda both: all(run[0] >= 3 for run in both), "bert", "carl")
        await room.wake("anna")
        await heard.until(lambda events: len(heard_answers(events)) == 2)
        await all_dealt_with(room)
    assert [text for name, text in cast.asked if name == "anna"] == ["which screws", "and how many?"]
    assert [answer["message"] for answer in await room.answers()] == [
        "bert: which screws",
        "bert: and how many?",
    ]


def heard_answers(events: list[Any]) -> list[bytes]:
    said = [one for event in events for one in getattr(event, "envelopes", ())]
    return [one for one in said if b'"run_id"' in one]


def at_work(name: str, gates: Gates, asked: list[str]) -> Assistant[Any]:
    """Waits in the middle of its first answer."""

    @assistant(name)
    async def answers(ctx: Context) -> AsyncIterator[str]:
        asked.append(ctx.text)
        yield f"{name}: {ctx.text}"
        if len(asked) == 1:
            gates.reached.set()
            await gates.opened.wait()

    return answers


async def passed_on_to_bert(room: TestRoom, gates: Gates) -> str:
    """Bert is at work for Bo, Anna is silent to what Ada says; returns her message's id."""
    await room.say("bo", "@bert go", wake=["bert"])
    await gates.reached.wait()
    asked = await room.say("ada", "why?", wake=["anna"])
    await until(room, lambda bert: bert[0][2], "bert")
    return asked


async def test_who_is_at_work_is_asked_in_its_turn(
    store_url: str, room: TestRoom, heard: Listener, gates: Gates
) -> None:
    """After what stands in the log; the queue does not show what it may be silent to, too."""
    asked: list[str] = []
    async with woken(store_url, Cast("anna").each()[0], at_work("bert", gates, asked)):
        await passed_on_to_bert(room, gates)
        await heard.quiet(0.3)
        gates.opened.set()
        await heard.until(lambda events: len(heard_answers(events)) == 2)
    assert asked == ["go", "why?"]
    queues = [one for one in passing(heard.events) if b"ASSISTANT_QUEUE" in one]
    assert not [one for one in queues if b'"place"' in one]


async def test_it_can_be_taken_back_while_it_waits(
    store_url: str, room: TestRoom, heard: Listener, gates: Gates
) -> None:
    """The next one is never asked."""
    asked: list[str] = []
    async with woken(store_url, Cast("anna").each()[0], at_work("bert", gates, asked)):
        question = await passed_on_to_bert(room, gates)
        await answers_of(room).stop(person("ada"), "lab", message_id=question, run_id=None)
        gates.opened.set()
        await heard.until(lambda events: len(heard_answers(events)) == 1)
        await until(room, lambda bert: not bert[0][2], "bert")
    assert asked == ["go"]
    assert await room.redis.hget("{lab}:run:carl", "again") is None


async def test_who_listens_no_longer_is_not_asked(
    store_url: str, room: TestRoom, heard: Listener, gates: Gates
) -> None:
    """The one after it is, also where its turn had come in the meantime."""
    asked: list[str] = []
    anna, _, carl = Cast("anna").each()
    async with woken(store_url, anna, at_work("bert", gates, asked), carl):
        await passed_on_to_bert(room, gates)
        await listens(room, "bert", "mentions")
        gates.opened.set()
        await heard.until(lambda events: len(heard_answers(events)) == 2)
    assert asked == ["go"]
    assert [answer["message"] for answer in await room.answers()] == ["bert: go", "carl: why?"]


async def test_who_has_acted_has_answered(store_url: str, room: TestRoom, heard: Listener) -> None:
    """Though it said nothing: two must not act for one question."""
    cast = Cast()

    @assistant("anna")
    async def acts(ctx: Context) -> AsyncIterator[str]:
        await ctx.receipt.before_acting()
        yield ""

    async with woken(store_url, acts, *cast.each()[1:]):
        await room.say("ada", "do it", wake=["anna"])
        await until(room, lambda anna: anna[0] == (1, False, False), "anna")
        await room.wake("bert", "carl")
        await all_dealt_with(room)
    assert cast.asked == []


async def began(room: TestRoom, store: RunStore) -> Lease:
    """Anna has begun to answer the first message."""
    await room.say("ada", "why?")
    lease = await store.acquire("lab", "anna", "w1")
    assert isinstance(lease, Lease)
    await store.begin(lease, Asking("1", (1,), "ada"), "msg_a")
    return lease


SILENCE = Silence("msg_a", (1,), "ada", 1, ("anna",))


async def waiting(store: RunStore, name: str) -> tuple[Any, ...]:
    """What is to be asked again of an assistant."""
    return (await store.pending(Lease("lab", name, "", 0))).again


async def test_the_same_silence_sent_twice_is_one(room: TestRoom, redis: Redis) -> None:
    """As redis-py sends a call again after a time-out; and of one that lost its lease it is none."""
    store = RunStore(redis)
    lease = await began(room, store)
    await room.say("bo", "and I?")
    assert await store.pass_on(lease, SILENCE, ["bert", "carl"]) == "bert"
    assert await store.pass_on(lease, SILENCE, ["bert", "carl"]) is None
    assert await waiting(store, "bert") == (PassedOn((1,), "ada", 2, ("anna",)),)
    assert await waiting(store, "carl") == ()
    assert await redis.hmget(RoomKeys("lab").run("anna"), ["cursor", "question"]) == [b"1", None]
    await redis.hset(RoomKeys("lab").run("anna"), "until", 1)
    await store.acquire("lab", "anna", "w2")
    with pytest.raises(LeaseLost):
        await store.pass_on(lease, SILENCE, ["bert", "carl"])


async def test_what_was_stopped_meanwhile_is_not_passed_on(room: TestRoom, redis: Redis) -> None:
    """A stop that came after the last look for one."""
    store = RunStore(redis)
    lease = await began(room, store)
    await answers_of(room).stop(person("ada"), "lab", message_id="msg_a", run_id=None)
    assert await store.pass_on(lease, SILENCE, ["bert", "carl"]) is None
    assert await waiting(store, "bert") == await waiting(store, "carl") == ()


async def test_who_is_away_for_long_is_left_out(
    room: TestRoom, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits for it stays within a limit."""
    monkeypatch.setattr(runs, "PASSED_ON", 1)
    store = RunStore(redis)
    lease = await began(room, store)
    assert await store.pass_on(lease, SILENCE, ["bert", "carl"]) == "bert"
    await store.begin(lease, Asking("1", (1,), "ada"), "msg_a")
    assert await store.pass_on(lease, SILENCE, ["bert", "carl"]) == "carl"


@pytest.mark.parametrize("word", ["mentions", "off"])
async def test_who_does_not_hear_everything_is_left_out(room: TestRoom, redis: Redis, word: str) -> None:
    """As the room's members have it at that moment."""
    store = RunStore(redis)
    lease = await began(room, store)
    await listens(room, "bert", word)
    assert await store.pass_on(lease, SILENCE, ["bert", "gone"]) is None
    assert await waiting(store, "bert") == ()
