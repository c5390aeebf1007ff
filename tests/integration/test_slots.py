"""How many rooms an assistant is answered in at once: over all workers, whatever becomes of one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from answers import Gates
from redis.asyncio import Redis
from rooms import PATIENCE, TestRoom, listening, make_room, writing
from workers import QUICK_LEASE, working

from assistants import Context, assistant
from assistants.plugin import Assistant
from productflo.store.events import Logged, RoomEvent
from productflo.store.slots import SlotStore

ROOMS = ("lab", "hall", "yard", "roof")
ROUND = 1.0
"""Seconds in which workers have swept, and asked for a slot, several times."""


@pytest.fixture
async def rooms(redis: Redis) -> AsyncIterator[list[TestRoom]]:
    """Rooms with the assistant in each."""
    async with writing(redis) as log:
        yield [await make_room(redis, log, name) for name in ROOMS]


class AtWork:
    """The answers under way, which wait until they are let; `most` is how many there were at a time."""

    def __init__(self) -> None:
        self.gates = {room: Gates() for room in ROOMS}
        self.most = 0
        self._rooms: list[str] = []
        self._changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def answering(self, **limits: Any) -> Assistant[Any]:
        """The assistant, with limits."""

        @assistant("echo", limits=limits)
        async def waiting(ctx: Context) -> AsyncIterator[str]:
            self._loop.call_soon_threadsafe(self._begins, ctx.room)
            await self.gates[ctx.room].opened.wait()
            yield "done"

        return waiting

    def _begins(self, room: str) -> None:
        self._rooms.append(room)
        self.most = max(self.most, len(self._rooms))
        self._changed.set()

    async def until(self, count: int) -> None:
        """Wait for so many at the same time."""
        async with asyncio.timeout(PATIENCE):
            while len(self._rooms) < count:
                self._changed.clear()
                await self._changed.wait()

    def let_one_end(self) -> str:
        """The one that began first; its room."""
        room = self._rooms.pop(0)
        self.gates[room].opened.set()
        return room


def answered(events: list[RoomEvent]) -> bool:
    """Whether an answer stands in the log."""
    said = [one for event in events if isinstance(event, Logged) for one in event.envelopes]
    return any(b'"run_id"' in one for one in said)


async def test_it_is_one_number_for_all_workers(store_url: str, rooms: list[TestRoom]) -> None:
    """Two rooms of four at a time, by three workers; the others wait, and all are answered."""
    at_work = AtWork()
    async with AsyncExitStack() as stack:
        ears = {
            room.name: await stack.enter_async_context(listening(room.redis, room.name)) for room in rooms
        }
        for _ in range(3):
            await stack.enter_async_context(working(store_url, at_work.answering(at_once=2)))
        for room in rooms:
            await room.say("ada", "hello", wake=["echo"])
        for left in (4, 3, 2, 1):
            await at_work.until(min(left, 2))
            await ears[ROOMS[0]].quiet(ROUND)
            await ears[at_work.let_one_end()].until(answered)
    assert at_work.most == 2


async def test_without_it_each_worker_has_its_own(store_url: str, rooms: list[TestRoom]) -> None:
    """The control: nothing else keeps rooms from being answered at the same time."""
    at_work = AtWork()
    async with working(store_url, at_work.answering()):
        for room in rooms:
            await room.say("ada", "hello", wake=["echo"])
        await at_work.until(len(rooms))
        for _ in rooms:
            at_work.let_one_end()
    assert await rooms[0].redis.exists("slots:echo") == 0


async def test_a_worker_that_ends_leaves_its_slot(store_url: str, rooms: list[TestRoom]) -> None:
    """At once, with the answers that it hands over; the next worker need not wait for a lease to end."""
    at_work, redis = AtWork(), rooms[0].redis
    async with working(store_url, at_work.answering(at_once=1), lease=600):
        await rooms[0].say("ada", "hello", wake=["echo"])
        await at_work.until(1)
        assert await redis.hlen("slots:echo") == 1
    assert await redis.hlen("slots:echo") == 0
    async with listening(redis, "lab") as ear, working(store_url, at_work.answering(at_once=1), lease=600):
        await at_work.until(2)
        at_work.let_one_end()
        await ear.until(answered)


async def test_a_lost_wake_up_is_made_good_with_one_slot(store_url: str, rooms: list[TestRoom]) -> None:
    """Who listens with the only slot lets the sweep have it."""
    at_work = AtWork()
    at_work.gates["lab"].opened.set()
    async with listening(rooms[0].redis, "lab") as ear, working(store_url, at_work.answering(at_once=1)):
        await rooms[0].say("ada", "hello")
        await ear.until(answered)


async def test_a_slot_is_counted_once(redis: Redis) -> None:
    """However often a call is sent; what is in use is held, also where the limit was lowered meanwhile."""
    store = SlotStore(redis)
    for _ in range(2):
        assert await store.hold("echo", "one", used=1, wished=3, most=3) == 3
        assert await store.hold("echo", "two", used=0, wished=1, most=3) == 0
    assert await store.hold("echo", "one", used=2, wished=2, most=3) == 2
    assert await store.hold("echo", "two", used=0, wished=2, most=3) == 1
    assert await store.hold("echo", "one", used=2, wished=3, most=1) == 2
    assert await store.hold("echo", "one", used=0, wished=0, most=1) == 0
    assert await store.hold("echo", "two", used=1, wished=2, most=1) == 1
    assert await redis.hlen("slots:echo") == 1


async def test_a_dead_workers_slots_are_free_when_its_lease_ends(redis: Redis) -> None:
    """And not before."""
    store = SlotStore(redis, lease=QUICK_LEASE)
    loop = asyncio.get_running_loop()
    before = loop.time()
    assert await store.hold("echo", "dead", used=0, wished=1, most=1) == 1
    async with asyncio.timeout(PATIENCE):
        while await store.hold("echo", "alive", used=0, wished=1, most=1) == 0:
            pass
    assert loop.time() - before >= QUICK_LEASE - 0.01
    assert list(await redis.hgetall("slots:echo")) == [b"alive"]


@pytest.mark.parametrize(
    ("other", "freed"), [("ab-2.f0", True), ("ab-1.f0", False), ("cd-2.f0", False), ("ab.f0", False)]
)
async def test_a_later_run_of_a_worker_has_the_slots_of_an_earlier_one(
    redis: Redis, other: str, freed: bool
) -> None:
    """Its supervisor has seen that one end; of another worker, and of one's own run, that is not known."""
    store = SlotStore(redis)
    assert await store.hold("echo", "ab-1.e0", used=1, wished=1, most=1) == 1
    assert await store.hold("echo", other, used=0, wished=1, most=1) == freed
    assert (await redis.hexists("slots:echo", "ab-1.e0")) is not freed
