"""Workers that are killed, stand still for longer than their lease, or lose the store, in mid-answer."""

import asyncio
import random
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path

import pytest
from processes import Spoken, environment, kill, running
from redis.asyncio import Redis
from rooms import PATIENCE, Listener, TestRoom, listening, make_room, writing
from workers import QUICK_LEASE, working

from assistants import Context, assistant
from productflo.store.connect import open_redis
from productflo.store.embedded import EmbeddedStore
from productflo.store.events import Logged, PieceSaid, RoomEvent

QUICK_WORKER = (sys.executable, str(Path(__file__).with_name("quick_worker.py")))
TESTS = str(Path(__file__).parents[1])
REPOSITORY = str(Path(__file__).parents[2])
SETTLED = QUICK_LEASE + 1.0
"""Seconds in which a lease ends and an answer is given: after as much quiet nothing more is coming."""


def worker(data: Path, store_url: str, *more: str) -> AbstractAsyncContextManager[Spoken]:
    """A worker process with short leases."""
    env = environment(data)
    env["PYTHONPATH"] = ":".join(filter(None, (TESTS, REPOSITORY, env.get("PYTHONPATH"))))
    return running(*QUICK_WORKER, store_url, *more, env=env)


@pytest.fixture
async def room(redis: Redis) -> AsyncIterator[TestRoom]:
    async with writing(redis) as log:
        yield await make_room(redis, log, "lab")


@pytest.fixture
async def heard(redis: Redis, room: TestRoom) -> AsyncIterator[Listener]:
    async with listening(redis, "lab") as listener:
        yield listener


def messages(count: int) -> Callable[[list[RoomEvent]], bool]:
    """Whether so many messages were logged, questions and answers."""
    return lambda events: sum(len(event.envelopes) for event in events if isinstance(event, Logged)) >= count


def a_piece(events: list[RoomEvent]) -> bool:
    return any(isinstance(event, PieceSaid) for event in events)


def run_ids(listener: Listener) -> list[str]:
    """The runs that were heard, in order, each once."""
    return list(dict.fromkeys(event.run_id for event in listener.events if isinstance(event, PieceSaid)))


async def test_a_killed_worker_is_replaced_in_mid_answer(
    tmp_path: Path, store_url: str, room: TestRoom, heard: Listener
) -> None:
    """The other one answers under the same message id, starting the text anew; once, in order."""
    async with worker(tmp_path, store_url) as first:
        await first.says("at work")
        questions = [await room.say("ada", f"q{number}", wake=["echo"]) for number in range(3)]
        await heard.until(a_piece)
        kill(first.pid)
        async with worker(tmp_path, store_url):
            await heard.until(messages(6))
    answers = await room.answers()
    assert [answer["reply_to"] for answer in answers] == questions
    assert run_ids(heard)[:2] == [f"{answers[0]['message_id']}.1", f"{answers[0]['message_id']}.2"]
    assert answers[0]["assistant"]["run_id"].endswith(".2")
    anew = [event.index for event in heard.events if isinstance(event, PieceSaid)].index(0, 1)
    assert anew > 0
    assert answers[0]["message"] == "".join(f"q0 {number} " for number in range(20))


async def stalled_in_mid_answer(
    tmp_path: Path, store_url: str, room: TestRoom, heard: Listener, *kind: str
) -> list[str]:
    """One worker sleeps through its lease, the other answers three questions, the first one wakes up and is
    given another. Returns what the answers in the log reply to, by the questions' texts."""
    async with worker(tmp_path, store_url, *kind) as stalled, worker(tmp_path, store_url, *kind) as other:
        await stalled.says("at work")
        other.process.send_signal(signal.SIGSTOP)
        names = {await room.say("ada", f"q{number}", wake=["echo"]): f"q{number}" for number in range(3)}
        await heard.until(a_piece)
        stalled.process.send_signal(signal.SIGSTOP)
        other.process.send_signal(signal.SIGCONT)
        await heard.until(messages(6))
        stalled.process.send_signal(signal.SIGCONT)
        names[await room.say("ada", "q3", wake=["echo"])] = "q3"
        await heard.until(lambda events: messages(8)(events) and "q3" in _texts(events))
        await heard.quiet(SETTLED)
    return [names[answer["reply_to"]] for answer in await room.answers()]


def _texts(events: list[RoomEvent]) -> str:
    answers = [
        one for event in events if isinstance(event, Logged) for one in event.envelopes if b'"run_id"' in one
    ]
    return b" ".join(answers).decode()


async def test_a_stalled_worker_answers_nothing_twice(
    tmp_path: Path, store_url: str, room: TestRoom, heard: Listener
) -> None:
    """It finds its lease gone, and leaves the room to the one that has it."""
    answered = await stalled_in_mid_answer(tmp_path, store_url, room, heard)
    assert answered == ["q0", "q1", "q2", "q3"]


async def test_without_the_fence_it_would(
    tmp_path: Path, store_url: str, room: TestRoom, heard: Listener
) -> None:
    """The control: the same events with workers whose scripts do not look at the token."""
    answered = await stalled_in_mid_answer(tmp_path, store_url, room, heard, "unfenced")
    assert sorted(answered) != ["q0", "q1", "q2", "q3"]


def stalls(victim: Spoken, seconds: float) -> None:
    """The process stands still for a while, unless it is killed meanwhile."""

    def resume() -> None:
        if victim.process.returncode is None:
            victim.process.send_signal(signal.SIGCONT)

    victim.process.send_signal(signal.SIGSTOP)
    asyncio.get_running_loop().call_later(seconds, resume)


async def test_a_storm(tmp_path: Path, redis: Redis, store_url: str) -> None:
    """Three workers, killed and stalled at random while four rooms ask: each question is answered once,
    in its room's order, and no wake-up is left over."""
    dice = random.Random(1)  # noqa: S311 - the same storm each time
    async with AsyncExitStack() as stack:
        log = await stack.enter_async_context(writing(redis))
        rooms = [await make_room(redis, log, f"room{number}") for number in range(4)]
        ears = [await stack.enter_async_context(listening(redis, room.name)) for room in rooms]
        workers = [await stack.enter_async_context(worker(tmp_path, store_url)) for _ in range(3)]
        asked: dict[str, list[str]] = {room.name: [] for room in rooms}
        for turn in range(8):
            for room in rooms:
                asked[room.name].append(await room.say("ada", f"q{turn}", wake=["echo"]))
            await dice.choice(ears).until(messages(2 * turn + 1))
            victim = dice.randrange(3)
            if dice.random() < 0.5:
                kill(workers[victim].pid)
                workers[victim] = await stack.enter_async_context(worker(tmp_path, store_url))
            else:
                stalls(workers[victim], dice.uniform(0.5, 2.5))
        for ear in ears:
            await ear.until(messages(16))
        async with asyncio.timeout(PATIENCE):
            while (await redis.xinfo_groups("ready:echo"))[0]["pending"]:
                await ears[0].quiet(SETTLED)
        for room in rooms:
            assert [answer["reply_to"] for answer in await room.answers()] == asked[room.name]


async def test_a_store_that_is_killed_is_waited_for(tmp_path: Path) -> None:
    """The answer goes on, is shown anew and is written once; the worker then answers the next question."""
    opened, reached = asyncio.Event(), asyncio.Event()

    @assistant("echo")
    async def waits(ctx: Context) -> AsyncIterator[str]:
        yield f"{ctx.text}: one "
        reached.set()
        await opened.wait()
        yield "two"

    async with (
        EmbeddedStore(tmp_path, "a test") as store,
        open_redis(store.url) as redis,
        writing(redis) as log,
        working(store.url, waits, lease=10.0),
    ):
        room = await make_room(redis, log, "lab")
        async with listening(redis, "lab") as heard:
            await heard.until(lambda _: heard.subscriptions == 1)
            await room.say("ada", "q0", wake=["echo"])
            await reached.wait()
            kill((await redis.info("server"))["process_id"])
            await heard.until(lambda _: heard.subscriptions == 2)
            opened.set()
            await heard.until(messages(2))
            await room.say("ada", "q1", wake=["echo"])
            await heard.until(messages(4))
        assert [answer["message"] for answer in await room.answers()] == ["q0: one two", "q1: one two"]
