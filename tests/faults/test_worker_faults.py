"""Workers that are killed, stand still for longer than their lease, or lose the store, in mid-answer."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import faults.quick_workers
import pytest
from faults.quick_workers import PEOPLE, QUICK_WORKER, SETTLED, a_piece, ask, messages, paths, run_ids, worker
from processes import Spoken, kill
from redis.asyncio import Redis
from rooms import PATIENCE, Listener, TestRoom, listening, make_room, writing
from workers import working

from assistants import Context, assistant
from productflo.store.connect import open_redis
from productflo.store.embedded import EmbeddedStore
from productflo.store.events import Logged, PieceSaid, RoomEvent
from productflo.supervisor import Child, Program, supervised

room, heard = faults.quick_workers.room, faults.quick_workers.heard


async def test_a_killed_worker_is_replaced_in_mid_answer(
    tmp_path: Path, store_url: str, room: TestRoom, heard: Listener
) -> None:
    """The other one answers under the same message id, starting the text anew; once, in order."""
    async with worker(tmp_path, store_url) as first:
        await first.says("at work")
        questions = [await ask(room, number) for number in range(3)]
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


@pytest.mark.parametrize("limit", [(), ("--at-once", "1")], ids=["no limit", "one slot"])
async def test_a_worker_that_its_supervisor_starts_again_goes_on_at_once(
    tmp_path: Path, store_url: str, room: TestRoom, heard: Listener, limit: tuple[str, ...]
) -> None:
    """It need not wait for its leases of before, of the room and of the only slot, which last for longer than
    this test waits."""
    command = (*QUICK_WORKER, store_url, "--lease", "60", "--idle", "40", "--sweep", "600", *limit)
    kept = Child(Program("assistants", command, paths(tmp_path)), lambda name, line: None)
    async with supervised([kept]):
        question = await ask(room, 0)
        await heard.until(a_piece)
        assert kept.pid is not None
        kill(kept.pid)
        await heard.until(messages(2))
    (answer,) = await room.answers()
    assert answer["reply_to"] == question
    assert answer["assistant"]["run_id"].endswith(".2")


async def test_a_worker_that_is_lost_is_replaced_at_the_end_of_its_lease(
    tmp_path: Path, store_url: str, room: TestRoom, heard: Listener
) -> None:
    """At the latest two seconds later, by one that knows of it by the wake-up alone: nobody sweeps."""
    lease = 6.0
    words = ("--lease", str(lease), "--idle", str(lease * 2 / 3), "--sweep", "600")
    async with worker(tmp_path, store_url, *words) as lost, worker(tmp_path, store_url, *words) as other:
        await lost.says("at work")
        other.process.send_signal(signal.SIGSTOP)
        await ask(room, 0)
        await heard.until(a_piece)
        kill(lost.pid)
        other.process.send_signal(signal.SIGCONT)
        began = asyncio.get_running_loop().time()
        await heard.until(lambda events: len(run_ids(heard)) == 2)
        assert asyncio.get_running_loop().time() - began < lease + 2.0
        await heard.until(messages(2))


async def stalled_in_mid_answer(
    tmp_path: Path, store_url: str, room: TestRoom, heard: Listener, *kind: str
) -> list[str]:
    """One worker sleeps through its lease, the other answers three questions, the first one wakes up and is
    given another. Returns what the answers in the log reply to, by the questions' texts."""
    async with worker(tmp_path, store_url, *kind) as stalled, worker(tmp_path, store_url, *kind) as other:
        await stalled.says("at work")
        other.process.send_signal(signal.SIGSTOP)
        names = {await ask(room, number): f"q{number}" for number in range(3)}
        await heard.until(a_piece)
        stalled.process.send_signal(signal.SIGSTOP)
        other.process.send_signal(signal.SIGCONT)
        await heard.until(messages(6))
        stalled.process.send_signal(signal.SIGCONT)
        names[await ask(room, 3)] = "q3"
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
    answered = await stalled_in_mid_answer(tmp_path, store_url, room, heard, "--without", "fence")
    assert sorted(answered) != ["q0", "q1", "q2", "q3"]


def stalls(victim: Spoken, seconds: float) -> None:
    """The process stands still for a while, unless it is killed meanwhile."""

    def resume() -> None:
        if victim.process.returncode is None:
            victim.process.send_signal(signal.SIGCONT)

    victim.process.send_signal(signal.SIGSTOP)
    asyncio.get_running_loop().call_later(seconds, resume)


STORM_ROOMS = 6
STORM_QUESTIONS = 170
"""Questions in each room: 1,020 in all."""
STORM_AHEAD = 10
"""Questions that a room has asked before the oldest of them is answered, about."""


class Answered:
    """How many answers a room has had; counts each event once."""

    def __init__(self, ear: Listener) -> None:
        self._ear = ear
        self._seen = self.count = 0

    async def until(self, count: int) -> None:
        """Wait for so many."""

        def holds(events: list[RoomEvent]) -> bool:
            for event in events[self._seen :]:
                if isinstance(event, Logged):
                    self.count += sum(b'"run_id"' in one for one in event.envelopes)
            self._seen = len(events)
            return self.count >= count

        await self._ear.until(holds)


async def asking(room: TestRoom, answered: Answered) -> list[str]:
    """Ask all the questions of a storm in a room, and wait for the answers."""
    asked = []
    for number in range(STORM_QUESTIONS):
        asked.append(await ask(room, number))
        await answered.until(number + 1 - STORM_AHEAD)
    await answered.until(STORM_QUESTIONS)
    return asked


async def test_a_storm(tmp_path: Path, redis: Redis, store_url: str) -> None:
    """Three workers, killed and stalled at random while six rooms ask a thousand questions: each is answered
    once, in its room's order, and no wake-up is left over."""
    dice = random.Random(1)  # noqa: S311 - the same storm each time
    async with AsyncExitStack() as stack:
        log = await stack.enter_async_context(writing(redis))
        names = [f"room{number}" for number in range(STORM_ROOMS)]
        rooms = [await make_room(redis, log, name, people=PEOPLE) for name in names]
        ears = [await stack.enter_async_context(listening(redis, name)) for name in names]

        async def begun() -> Spoken:
            one = await stack.enter_async_context(worker(tmp_path, store_url, "--says", "brief"))
            await one.says("at work")
            return one

        workers = [await begun() for _ in range(3)]
        storm = asyncio.gather(*(asking(room, Answered(ear)) for room, ear in zip(rooms, ears, strict=True)))
        kills = stalls_seen = 0
        while not storm.done():
            victim = dice.randrange(3)
            if dice.random() < 0.4:
                kill(workers[victim].pid)
                workers[victim] = await begun()
                kills += 1
            else:
                stalls(workers[victim], dice.uniform(0.5, 1.5))
                stalls_seen += 1
            await asyncio.wait({storm}, timeout=dice.uniform(0.4, 0.9))
        asked = await storm
        async with asyncio.timeout(PATIENCE):
            while (await redis.xinfo_groups("ready:echo"))[0]["pending"]:
                await ears[0].quiet(SETTLED)
        print(f"{STORM_ROOMS * STORM_QUESTIONS} questions, {kills} kills, {stalls_seen} stalls")
        assert min(kills, stalls_seen) > 0
        for room, questions in zip(rooms, asked, strict=True):
            assert [answer["reply_to"] for answer in await room.answers()] == questions


async def test_what_has_acted_is_not_done_again(
    tmp_path: Path, store_url: str, room: TestRoom, heard: Listener
) -> None:
    """The answer of a worker that was killed after an action is closed with what was said."""
    async with worker(tmp_path, store_url, "--says", "acts") as first:
        await first.says("at work")
        question = await ask(room, 0)
        await heard.until(lambda events: sum(isinstance(one, PieceSaid) for one in events) > 8)
        kill(first.pid)
        async with worker(tmp_path, store_url, "--says", "acts"):
            await heard.until(messages(2))
    (answer,) = await room.answers()
    assert (tmp_path / "acted").read_text() == "q0\n"
    assert answer["reply_to"] == question
    assert answer["assistant"]["state"] == "interrupted"
    assert answer["message"].startswith("q0 0 q0 1")
    assert "after I had begun to act" in answer["message"]


async def test_a_poisonous_question_ends_with_a_note(
    tmp_path: Path, store_url: str, room: TestRoom, heard: Listener
) -> None:
    """It kills two workers before they say a word; the third one does not try, and answers what follows."""
    async with AsyncExitStack() as stack:
        for _ in range(2):
            poisoned = await stack.enter_async_context(worker(tmp_path, store_url, "--says", "dies"))
            if not await room.said():
                await poisoned.says("at work")
                await ask(room, 0)
            await poisoned.ends()
        await stack.enter_async_context(worker(tmp_path, store_url))
        await heard.until(messages(2))
        await ask(room, 1)
        await heard.until(messages(4))
    first, second = await room.answers()
    assert first["assistant"]["state"] == "interrupted"
    assert "I was interrupted here, more than once." in first["message"]
    assert first["assistant"]["run_id"].endswith(".3")
    assert second["assistant"]["state"] == "done"


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
