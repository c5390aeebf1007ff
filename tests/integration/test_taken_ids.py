"""A member says something under the id that an answer is going to have."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from rooms import entry, listening, make_room, writing
from workers import working

from assistants import Context, assistant
from productflo.errors import Conflict, LeaseLost
from productflo.store.entries import RunGuard
from productflo.store.events import Logged, PieceSaid
from productflo.store.keys import RoomKeys
from productflo.store.runs import Lease, RunStore


async def test_only_the_holder_of_the_lease_is_told_of_it(redis: Redis) -> None:
    """Who holds it may take another id; who lost it has nothing more to say."""
    store = RunStore(redis)
    async with writing(redis) as log:
        room = await make_room(redis, log, "lab")
        lease = await store.acquire("lab", "echo", "w1")
        assert isinstance(lease, Lease)
        await log.append(entry("lab", "ada", "mine", "m"))
        answer = entry("lab", "echo", "the answer", "m", guard=RunGuard("echo", lease.token, 1))
        with pytest.raises(Conflict):
            await log.append(answer)
        await redis.hset(RoomKeys("lab").run("echo"), "token", "another's")
        with pytest.raises(LeaseLost):
            await log.append(answer)
        assert [one["message"] for one in await room.said()] == ["mine"]


async def test_the_answer_comes_under_another_one(redis: Redis, store_url: str) -> None:
    """Once, and the assistant goes on to what was said after it."""
    taken = asyncio.Event()

    @assistant("echo")
    async def echo(ctx: Context) -> AsyncIterator[str]:
        yield "You said: "
        await taken.wait()
        yield ctx.text

    async with writing(redis) as log:
        room = await make_room(redis, log, "lab")
        async with listening(redis, "lab") as listener, working(store_url, echo):
            await room.say("ada", "one", wake=["echo"])
            events = await listener.until(lambda events: any(isinstance(one, PieceSaid) for one in events))
            shown = next(one.message_id for one in events if isinstance(one, PieceSaid))
            await log.append(entry("lab", "ada", "mine", shown))
            taken.set()
            await listener.until(lambda events: sum(isinstance(one, Logged) for one in events) == 4)
        assert [one["message"] for one in await room.answers()] == ["You said: one", "You said: mine"]
