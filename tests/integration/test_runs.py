"""Leases, fences and cursors of assistants' runs, on a real store."""

from collections.abc import AsyncIterator
from dataclasses import replace

import orjson
import pytest
from redis.asyncio import Redis
from rooms import TestRoom, answers_of, entry, listening, make_room, person, writing

from productflo.errors import LeaseLost, NotFound
from productflo.store.entries import RunGuard
from productflo.store.events import StopAsked
from productflo.store.keys import RoomKeys
from productflo.store.ready import ReadyStream
from productflo.store.rooms import Rooms
from productflo.store.runs import LEASE, Asking, Held, Lease, Released, RunSnapshot, RunStore

QUESTION = Asking("1", (1,), "ada")
"""The first message of the room."""


@pytest.fixture
async def room(redis: Redis) -> AsyncIterator[TestRoom]:
    async with writing(redis) as log:
        yield await make_room(redis, log, "lab")


@pytest.fixture
def store(redis: Redis) -> RunStore:
    return RunStore(redis)


async def held(store: RunStore, worker: str = "w1") -> Lease:
    lease = await store.acquire("lab", "echo", worker)
    assert isinstance(lease, Lease)
    return lease


async def let_it_end(redis: Redis) -> None:
    """The lease's time passes, as far as the store can tell."""
    await redis.hset(RoomKeys("lab").run("echo"), "until", 1)


async def test_one_worker_holds_a_lease(room: TestRoom, store: RunStore) -> None:
    """Until it is given back nobody else gets it; it begins at the room's cursor."""
    lease = await held(store)
    assert lease.cursor == 0
    found = await store.acquire("lab", "echo", "w2")
    assert isinstance(found, Held)
    assert LEASE - 1 < found.seconds <= LEASE
    assert await store.release(lease) is Released.OK
    assert (await held(store, "w2")).token != lease.token


@pytest.mark.parametrize(
    ("other", "taken"),
    [("ab-2", True), ("ab-10", True), ("ab-1", False), ("cd-2", False), ("ab", False), ("a-b-2", False)],
)
async def test_a_later_run_of_a_worker_takes_the_lease_of_an_earlier_one(
    room: TestRoom, store: RunStore, other: str, taken: bool
) -> None:
    """Its supervisor has seen that one end; of another worker, and of one's own run, that is not known. The
    fence decides all the same."""
    old = await held(store, "ab-1")
    found = await store.acquire("lab", "echo", other)
    assert isinstance(found, Lease) is taken
    if taken:
        with pytest.raises(LeaseLost):
            await store.renew(old)
        assert isinstance(await store.acquire("lab", "echo", "ab-1"), Held)


async def test_a_lease_needs_an_assistant_of_the_room(room: TestRoom, store: RunStore) -> None:
    """One that was never added, or was removed, has nothing to answer."""
    with pytest.raises(NotFound):
        await store.acquire("lab", "guide", "w1")
    await Rooms(room.redis).leave("lab", "echo", b"{")
    with pytest.raises(NotFound):
        await store.acquire("lab", "echo", "w1")


async def test_a_silent_holder_loses_everything(room: TestRoom, store: RunStore) -> None:
    """After a take-over each of its calls is refused, and none of them changes anything."""
    await room.say("ada", "q")
    old = await held(store)
    await store.begin(old, QUESTION, "m")
    await let_it_end(room.redis)
    new = await held(store, "w2")
    before = await room.redis.hgetall(RoomKeys("lab").run("echo"))
    for call in (
        store.begin(old, QUESTION, "m2"),
        store.renew(old),
        store.save(old, "stale", 9),
        store.pass_over(old, 1),
        store.release(old),
        store.hand_over(old),
    ):
        with pytest.raises(LeaseLost):
            await call
    with pytest.raises(LeaseLost):
        await room.log.append(entry("lab", "echo", "stale", "m", guard=RunGuard("echo", old.token, 1)))
    assert await room.redis.hgetall(RoomKeys("lab").run("echo")) == before
    assert await store.renew(new) is None


async def test_a_silent_holder_that_nobody_missed_goes_on(room: TestRoom, store: RunStore) -> None:
    """A lease that ended is still one's own while nobody took it."""
    lease = await held(store)
    await let_it_end(room.redis)
    assert await store.renew(lease) is None
    assert isinstance(await store.acquire("lab", "echo", "w2"), Held)


async def test_the_same_call_sent_twice_is_one(room: TestRoom, store: RunStore) -> None:
    """redis-py sends a script again after a time-out: no second fence, no second try."""
    await room.say("ada", "q")
    lease = await held(store)
    first = await store.begin(lease, QUESTION, "m")
    assert await store.begin(lease, QUESTION, "another") == first
    assert first.tries == 1


async def test_the_final_message_ends_the_answer(room: TestRoom, store: RunStore) -> None:
    """Message and cursor move in one step; nothing of the run is left but the lease."""
    await room.say("ada", "q")
    lease = await held(store)
    await store.begin(lease, QUESTION, "m")
    await store.save(lease, "half", 3)
    await room.log.append(entry("lab", "echo", "whole", "m", guard=RunGuard("echo", lease.token, 1)))
    run = await room.redis.hgetall(RoomKeys("lab").run("echo"))
    assert {name.decode() for name in run} - {"begun"} == {"token", "until", "fence", "cursor"}
    assert run[b"cursor"] == b"1"
    await store.save(lease, "a save that came late", 4)
    assert await store.running("lab", ["echo"]) == []


async def test_release_sees_what_came_meanwhile(room: TestRoom, store: RunStore) -> None:
    """With something new in the room the lease is kept, so that no message falls between two workers."""
    lease = await held(store)
    await room.say("ada", "q")
    assert await store.release(lease) is Released.MORE
    await store.pass_over(lease, 1)
    assert await store.release(lease) is Released.OK


async def test_a_take_over_goes_on_under_the_same_message(room: TestRoom, store: RunStore) -> None:
    """With the text so far, and a run id of its own."""
    await room.say("ada", "q")
    old = await held(store)
    first = await store.begin(old, QUESTION, "m")
    await store.save(old, "half", 3)
    await let_it_end(room.redis)
    second = await store.begin(await held(store, "w2"), QUESTION, "never used")
    assert (first.message_id, first.run_id, first.tries, first.text) == ("m", "m.1", 1, "")
    assert (second.message_id, second.run_id, second.tries, second.text) == ("m", "m.2", 2, "half")


async def test_a_hand_over_needs_no_waiting(room: TestRoom, store: RunStore) -> None:
    """A worker that stops gives its answer to the next one at once."""
    await room.say("ada", "q")
    old = await held(store)
    await store.begin(old, QUESTION, "m")
    await store.save(old, "half", 3)
    await store.hand_over(old)
    assert (await store.begin(await held(store, "w2"), QUESTION, "never used")).text == "half"


async def test_a_stop_is_marked_and_told(room: TestRoom, store: RunStore) -> None:
    """The worker hears of it at once over the bus, and finds it with its next save at the latest."""
    await room.say("ada", "q")
    lease = await held(store)
    begun = await store.begin(lease, QUESTION, "m")
    runs = answers_of(room, store)
    async with listening(room.redis, "lab") as listener:
        assert await runs.stop(person("bo"), "lab", message_id=None, run_id=begun.run_id) is None
        await listener.until(lambda events: StopAsked("m", "bo") in events)
    assert await runs.stop(person("ada"), "lab", message_id="m", run_id=None) is None
    assert await store.renew(lease) == "bo"
    assert (await store.begin(replace(lease), QUESTION, "m")).stop == "bo"


async def test_stopping_what_has_ended_gives_its_message(room: TestRoom, store: RunStore) -> None:
    """Whoever was too late sees what was said; an id that nobody knows is told."""
    await room.say("ada", "q")
    lease = await held(store)
    await store.begin(lease, QUESTION, "m")
    await room.log.append(entry("lab", "echo", "whole", "m", guard=RunGuard("echo", lease.token, 1)))
    runs = answers_of(room, store)
    ended = await runs.stop(person("bo"), "lab", message_id="m", run_id=None)
    assert ended is not None
    assert orjson.loads(ended)["data"]["message"] == "whole"
    assert await runs.stop(person("bo"), "lab", message_id=None, run_id="m.1") == ended
    with pytest.raises(NotFound) as told:
        await runs.stop(person("bo"), "lab", message_id="nothing", run_id=None)
    assert told.value.field == "data.message_id"


async def test_a_late_joiner_gets_the_text_so_far(room: TestRoom, store: RunStore) -> None:
    """With the index of the last piece in it, so that the next one can be recognised."""
    await room.say("ada", "q")
    lease = await held(store)
    begun = await store.begin(lease, QUESTION, "m")
    runs = answers_of(room, store)
    assert await runs.running("lab") == [RunSnapshot("echo", "m", begun.run_id, "", -1)]
    await store.save(lease, "half of it", 3)
    assert await runs.running("lab") == [RunSnapshot("echo", "m", begun.run_id, "half of it", 3)]
    assert await runs.running("elsewhere") == []


async def test_the_sweep_sees_rooms_that_wait(room: TestRoom, store: RunStore) -> None:
    """The log's end and the cursor say it, whatever became of the wake-ups."""
    assert await store.behind("echo", ["lab", "elsewhere"]) == []
    await room.say("ada", "q")
    assert await store.behind("echo", ["lab", "elsewhere"]) == ["lab"]
    await store.pass_over(await held(store), 1)
    assert await store.behind("echo", ["lab"]) == []


async def test_wake_ups_go_to_one_worker_each(redis: Redis) -> None:
    """What one has taken the other does not get, until it was left unfinished for long enough."""
    one, two = (ReadyStream(redis, "echo", worker, idle=0.0) for worker in ("w1", "w2"))
    await one.open()
    await two.open()
    await one.wake("lab")
    taken = await one.next()
    assert taken is not None
    assert (taken.room, taken.reclaimed) == ("lab", False)
    again = await two.reclaim()
    assert again is not None
    assert (again.entry, again.reclaimed) == (taken.entry, True)
    await two.done(again)
    assert await one.reclaim() is None
    assert (await redis.xinfo_groups("ready:echo"))[0]["pending"] == 0


async def test_a_wiped_store_gets_its_group_again(redis: Redis) -> None:
    """A worker that is already reading goes on by itself."""
    stream = ReadyStream(redis, "echo", "w1")
    await stream.open()
    await redis.flushall()
    assert await stream.next() is None
    await stream.wake("lab")
    wake_up = await stream.next()
    assert wake_up is not None
    assert wake_up.room == "lab"
