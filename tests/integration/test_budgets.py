"""Limits as a room meets them: how often, how much, and what is said when that is used up."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import answers
import pytest
from answers import echo, finished
from counting import here
from model_server import Exchange, ModelServer, speaks
from redis.asyncio import Redis
from rooms import Listener, TestRoom, answers_of, listening, make_room, person
from workers import working

from assistants import Context, assistant, tool
from assistants.budget import LEAST, STEP, TOKENS_AN_IMAGE, tokens_of_messages
from assistants.limits import Limits
from assistants.llm import ChatModel
from assistants.plugin import Assistant
from assistants.tokens import OF_A_MESSAGE
from productflo.domain.rates import Rate
from productflo.store.events import PieceSaid
from productflo.store.rates import RateStore
from productflo.store.runs import Caller

room, heard = answers.room, answers.heard

PROMPT = tokens_of_messages([{"role": "user", "content": "hello"}])
SPENT_ALL = "The day's budget of {} tokens{} is used up; it starts again at 00:00 UTC."


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    """A model."""
    async with ModelServer() as server:
        yield server


def asks(**limits: Any) -> Assistant[Any]:
    """An assistant that asks the model, with limits."""

    @assistant("echo", limits=limits)
    async def asking(ctx: Context) -> AsyncIterator[str]:
        async for piece in ctx.llm([{"role": "user", "content": ctx.text}], model="scripted"):
            yield piece

    return asking


def limited(**limits: Any) -> Assistant[Any]:
    """The assistant that needs no model, with limits."""
    return replace(echo, limits=Limits.parse(limits))


def model(server: ModelServer) -> ChatModel:
    """The client of the model."""
    return ChatModel(api_key=None, base_url=server.url)


async def texts(room: TestRoom) -> list[str]:
    """What was answered."""
    return [answer["message"] for answer in await room.answers()]


async def used(redis: Redis, key: str = "spent:echo") -> tuple[int, int]:
    """Settled tokens, and reservations that are open."""
    kept = await redis.hgetall(key)
    return int(kept.get(b"tokens", 0)), sum(name.startswith(b"r:") for name in kept)


async def test_a_room_is_answered_so_often(store_url: str, room: TestRoom, heard: Listener) -> None:
    """What is too much is refused in words that say until when; other rooms are not concerned."""
    before = here("limits_reached_total", "echo", "per_room")
    hall = await make_room(room.redis, room.log, "hall")
    async with working(store_url, limited(per_room="2/h")), listening(room.redis, "hall") as heard_there:
        for number in range(3):
            await room.say("ada", f"q{number}", wake=["echo"])
        await heard.until(finished(3))
        await hall.say("ada", "q", wake=["echo"])
        await heard_there.until(finished())
    *answered, refused = await room.answers()
    assert [answer["message"] for answer in answered] == ["You said: q0", "You said: q1"]
    assert refused["message"] == "*(I answer 2 questions an hour in this room; please ask again in 30 min.)*"
    assert (refused["assistant"]["state"], refused["assistant"].get("reference")) == ("failed", None)
    assert await texts(hall) == ["You said: q"]
    assert here("limits_reached_total", "echo", "per_room") == before + 1


async def test_a_person_is_answered_so_often(redis: Redis, store_url: str, room: TestRoom) -> None:
    """In all rooms; what they are refused is not taken from the others of the room."""
    hall = await make_room(redis, room.log, "hall", people=["ada", "bo"])
    said = limited(per_user="1/h", per_room="2/h")
    async with listening(redis, "hall") as heard, working(store_url, said):
        for who in ("ada", "ada", "ada", "bo"):
            await hall.say(who, "@echo q", wake=["echo"])
        await heard.until(finished(4))
    told = await texts(hall)
    assert [text.startswith("You said") for text in told] == [True, False, False, True]
    assert told[1] == "*(I answer 1 question an hour from one person; please ask again in 60 min.)*"


async def test_an_answer_anew_counts_for_who_wants_it(
    store_url: str, room: TestRoom, heard: Listener
) -> None:
    """Nobody uses up what another may ask."""
    async with working(store_url, limited(per_user="1/h")):
        await room.say("ada", "q", wake=["echo"])
        await heard.until(finished())
        (first,) = await room.answers()
        await answers_of(room).regenerate(person("bo"), "lab", first["message_id"])
        await room.wake("echo")
        await heard.until(finished(2))
    assert await texts(room) == ["You said: q", "You said: q"]
    assert await room.redis.exists("admitted:echo:bo") == 1


async def test_the_rounds_of_an_answer_are_limited(
    store_url: str, server: ModelServer, room: TestRoom, heard: Listener
) -> None:
    """By the operator's word, where the assistant's code says nothing or more."""

    @tool
    async def look() -> str:
        """Look."""
        return "nothing"

    @assistant("echo", limits={"max_rounds": 2})
    async def looks(ctx: Context) -> AsyncIterator[str]:
        turns = [{"role": "user", "content": ctx.text}]
        async for piece in ctx.llm(turns, model="scripted", tools=[look], max_rounds=5):
            yield piece

    async def again(exchange: Exchange) -> None:
        await exchange.call("look", {})
        await exchange.finish("tool_calls")

    server.play(again)
    async with working(store_url, looks, model=model(server)):
        await room.say("ada", "hello", wake=["echo"])
        await heard.until(finished())
    assert "used its tools 2 times" in (await texts(room))[0]
    assert len(server.exchanges) == 2


async def test_the_same_question_counts_once(redis: Redis) -> None:
    """A call that was sent twice, and a worker that died after it, cost nothing; another question waits."""
    rates, rate, key = RateStore(redis), Rate.parse("2/h"), "admitted:echo:ada"
    for what in ("lab m1", "lab m1", "hall m2", "lab m1", "hall m2"):
        assert await rates.take(key, rate, what) == 0
    assert 1790 < await rates.take(key, rate, "lab m3") <= 1800
    assert await rates.take(key, rate, "lab m1") == 0
    assert 1790 < await rates.take(key, rate, "lab m3") <= 1800
    assert await rates.take(key, Rate.parse("off"), "lab m3") == 0


async def test_what_no_longer_counts_is_forgotten(redis: Redis) -> None:
    """A minute after a question has left the rate's window its name goes, and with the last one all."""
    rates, rate, key = RateStore(redis), Rate.parse("2/s"), "admitted:echo:ada"
    await rates.take(key, rate, "lab m1")
    let_through = await redis.zscore(key, "q lab m1")
    await redis.zadd(key, {"q lab m1": let_through - 61_000_001, "q lab m0": let_through - 60_000_000})
    await rates.take(key, rate, "lab m2")
    assert await redis.zrange(key, 0, -1) == [b"q lab m0", b"q lab m2", b"full_at"]
    assert 60_000 < await redis.pttl(key) <= 61_000


async def test_what_is_used_is_settled(
    store_url: str, server: ModelServer, room: TestRoom, heard: Listener
) -> None:
    """By what the model's server counted, for assistant, room and asker; nothing stays reserved."""
    server.play(speaks("Hel", "lo."))
    tokens = here("model_tokens_total", "scripted", "prompt")
    bounds = {"tokens_per_day": 5000, "room_tokens_per_day": 4000, "user_tokens_per_day": 3000}
    async with working(store_url, asks(**bounds), model=model(server)):
        await room.say("ada", "hello", wake=["echo"])
        await heard.until(finished())
    assert await texts(room) == ["Hello."]
    for key in ("spent:echo", "{lab}:spent:echo", "spent:echo:ada"):
        assert await used(room.redis, key) == (10, 0)
    assert here("model_tokens_total", "scripted", "prompt") == tokens + 7


@pytest.mark.parametrize(
    ("limit", "whose"),
    [
        ("tokens_per_day", ""),
        ("room_tokens_per_day", " for this room"),
        ("user_tokens_per_day", " for one person"),
    ],
)
async def test_a_budget_that_is_used_up(
    store_url: str, server: ModelServer, room: TestRoom, heard: Listener, limit: str, whose: str
) -> None:
    """The model is not asked any more, and the room reads why and until when."""

    async def thirsty(exchange: Exchange) -> None:
        await exchange.say("Hello.")
        await exchange.finish(prompt_tokens=500, completion_tokens=480)

    server.play(thirsty)
    before = here("limits_reached_total", "echo", limit)
    async with working(store_url, asks(**{limit: 1000}), model=model(server)):
        for _ in range(2):
            await room.say("ada", "hello", wake=["echo"])
        await heard.until(finished(2))
    assert await texts(room) == ["Hello.", f"*({SPENT_ALL.format('1,000', whose)})*"]
    assert len(server.exchanges) == 1
    assert here("limits_reached_total", "echo", limit) == before + 1


async def test_an_answer_is_cut_where_the_budget_ends(
    store_url: str, server: ModelServer, room: TestRoom, heard: Listener
) -> None:
    """In the middle of its stream: what was said stays, the connection closes, and no more is counted."""
    pieces = ["four" * 100] * 12  # 100 tokens each.
    async with working(store_url, asks(tokens_per_day=PROMPT + 720), model=model(server)):
        await room.say("ada", "hello", wake=["echo"])
        exchange = await server.asked()
        for piece in pieces:
            if not exchange.disconnected.is_set():
                await exchange.say(piece)
        await exchange.disconnected.wait()
        await heard.until(finished())
    (answer,) = await room.answers()
    assert re.sub(r"\n\n.*", "", answer["message"]) == "four" * 700
    assert SPENT_ALL.format(PROMPT + 720, "") in answer["message"]
    assert await used(room.redis) == (PROMPT + 800, 0)
    assert answer["assistant"]["usage"] == {"prompt_tokens": PROMPT, "completion_tokens": 800}
    assert answer["assistant"]["usage_estimated"]


async def test_two_answers_share_what_is_left(
    redis: Redis, store_url: str, server: ModelServer, room: TestRoom, heard: Listener
) -> None:
    """One that has begun holds a part; the other has the rest, or is told."""
    hall = await make_room(redis, room.log, "hall")
    budget = 2 * PROMPT + STEP + LEAST
    async with (
        listening(redis, "hall") as heard_there,
        working(store_url, asks(tokens_per_day=budget), model=model(server)),
    ):
        await room.say("ada", "hello", wake=["echo"])
        first = await server.asked()
        await hall.say("ada", "hello", wake=["echo"])
        second = await server.asked()
        kept = await redis.hgetall("spent:echo")
        held = sorted(int(value.split()[0]) for name, value in kept.items() if name.startswith(b"r:"))
        assert held == [PROMPT + LEAST, PROMPT + STEP]
        for exchange in (first, second):
            await exchange.say("Hello.")
            await exchange.finish()
        await heard.until(finished())
        await heard_there.until(finished())
    assert await texts(room) == await texts(hall) == ["Hello."]


@pytest.mark.parametrize("how", ["refused", "stopped"])
async def test_what_did_not_come_to_its_end(
    store_url: str, server: ModelServer, room: TestRoom, heard: Listener, how: str
) -> None:
    """A request that was refused costs nothing; one that was stopped what it had come to, as estimated."""
    async with working(store_url, asks(tokens_per_day=5000), model=model(server)) as worker:
        await room.say("ada", "hello", wake=["echo"])
        exchange = await server.asked()
        if how == "refused":
            await exchange.refuse(400)
        else:
            await exchange.say("four" * 10)
            events = await heard.until(lambda events: any(isinstance(one, PieceSaid) for one in events))
            (piece,) = [event for event in events if isinstance(event, PieceSaid)]
            runs = worker._services.runs
            assert await runs.stop("lab", ["echo"], piece.message_id, Caller("ada"))
        await heard.until(finished())
    (answer,) = await room.answers()
    told = [answer["assistant"].get(name) for name in ("usage", "usage_estimated")]
    if how == "refused":
        assert await used(room.redis) == (0, 0)
        assert told == [None, None]
    else:
        assert await used(room.redis) == (PROMPT + 10, 0)
        assert told == [{"prompt_tokens": PROMPT, "completion_tokens": 10}, True]


async def test_money_has_its_own_budget(
    store_url: str, server: ModelServer, room: TestRoom, heard: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the prices of the operator; a model without one is not asked where money is limited."""
    server.play(speaks("Hello."))

    @assistant("echo", limits={"cost_per_day": 0.01})
    async def asking(ctx: Context) -> AsyncIterator[str]:
        async for piece in ctx.llm([{"role": "user", "content": "hello"}], model=ctx.text):
            yield piece

    monkeypatch.setenv("PRODUCTFLO_MODEL_PRICES", "scripted=10/20, dear=1000/1000")
    async with working(store_url, asking, model=model(server)):
        for name in ("scripted", "free", "dear"):
            await room.say("ada", name, wake=["echo"])
        await heard.until(finished(3))
    answered, unknown, dear = await texts(room)
    assert answered == "Hello."
    assert "PRODUCTFLO_MODEL_PRICES has no price for the model free" in unknown
    assert dear == "*(The day's budget is used up; it starts again at 00:00 UTC.)*"
    assert await room.redis.hget("spent:echo", "cost") == b"130"  # 7 tokens at 10 and 3 at 20, in millionths.


def test_a_conversation_is_estimated() -> None:
    """Its texts and what is put around each; an image is worth what it is worth whatever its bytes."""
    image = {"type": "image_url", "image_url": {"url": "data:" + "x" * 100_000}}
    message = {"role": "user", "content": [{"type": "text", "text": "four"}, image]}
    assert tokens_of_messages([message]) == OF_A_MESSAGE + 1 + TOKENS_AN_IMAGE
    call = {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}
    assert tokens_of_messages([call]) == OF_A_MESSAGE + 4
