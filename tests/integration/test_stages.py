"""An assistant whose code blocks: it is found and named, it ends in time, and nobody waits for it."""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator

import answers
import pytest
from answers import Gate, finished
from model_server import ModelServer
from redis.asyncio import Redis
from rooms import Listener, TestRoom, listening, make_room
from workers import working

from assistants import Context, assistant, metrics, stage
from assistants.llm import ChatModel
from productflo.store.events import PieceSaid, RoomEvent
from productflo.store.runs import Caller, RunStore

room, heard = answers.room, answers.heard


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Notice a block sooner, so that tests need not wait."""
    monkeypatch.setattr(stage, "STALL", 0.2)
    monkeypatch.setattr(stage, "LOOK", 0.05)
    monkeypatch.setattr("assistants.answering.CLOSE", 0.1)


@pytest.fixture
async def hall(redis: Redis, room: TestRoom) -> AsyncIterator[tuple[TestRoom, Listener]]:
    """Another room, with two assistants, of which `other` is mentioned."""
    hall = await make_room(redis, room.log, "hall", assistants=["echo", "other"])
    async with listening(redis, "hall") as listener:
        yield hall, listener


@assistant("other")
async def other(ctx: Context) -> AsyncIterator[str]:
    """Another assistant, that awaits as it should."""
    yield "I "
    await asyncio.sleep(0)
    yield "am here"


def a_block(entered: Gate, release: threading.Event) -> None:
    """What a stack trace should name."""
    entered.set()
    release.wait()


class LogOf(logging.Handler):
    """What a logger says, for a test to wait for."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._loop = asyncio.get_running_loop()
        self._said = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line, in whatever thread it was said."""
        self.lines.append(record.getMessage())
        self._loop.call_soon_threadsafe(self._said.set)

    async def until(self, words: str) -> str:
        """The first line that has the words; fails after 5 s."""
        async with asyncio.timeout(5):
            while not (found := [line for line in self.lines if words in line]):
                self._said.clear()
                await self._said.wait()
        return found[0]


@pytest.fixture
async def said() -> AsyncIterator[LogOf]:
    """The log of the stages."""
    log = LogOf()
    stage.log.addHandler(log)
    yield log
    stage.log.removeHandler(log)


def has_begun(events: list[RoomEvent]) -> bool:
    """Whether a piece was shown."""
    return any(isinstance(event, PieceSaid) for event in events)


async def stop(room: TestRoom, heard: Listener) -> None:
    """Stop the answer whose pieces were heard."""
    piece = next(event for event in heard.events if isinstance(event, PieceSaid))
    assert await RunStore(room.redis).stop("lab", ["echo"], piece.message_id, Caller("ada"))


async def test_a_block_is_found_and_harms_nobody_else(
    store_url: str, room: TestRoom, heard: Listener, hall: tuple[TestRoom, Listener], said: LogOf
) -> None:
    """Its stack is logged once, with room and run; others go on, itself elsewhere; and it ends in time."""
    entered, release = Gate(), threading.Event()

    @assistant("echo", limits={"timeout": 3})
    async def blocks_in_the_lab(ctx: Context) -> AsyncIterator[str]:
        yield "one"
        if ctx.room == "lab":
            a_block(entered, release)
        yield " two"

    blocked = metrics.BLOCKED.labels("echo")._value.get()
    the_hall, heard_there = hall
    async with working(store_url, blocks_in_the_lab, other):
        question = await room.say("ada", "hello", wake=["echo"])
        await entered.wait()
        await the_hall.say("ada", "@other hello", wake=["other"])
        await heard_there.until(finished())
        assert [answer["message"] for answer in await the_hall.answers()] == ["I am here"]
        told = await said.until("blocks its thread")
        await the_hall.say("ada", "@echo hello", wake=["echo"])
        await heard_there.until(finished(2))
        assert (await the_hall.answers())[-1]["message"] == "one two"
        assert await room.answers() == []
        await heard.until(finished())
        release.set()
        await said.until("no longer blocks")
    (answer,) = await room.answers()
    assert answer["reply_to"] == question
    assert answer["message"].startswith("one\n\n*(I ran out of time after 3 seconds.")
    assert told.startswith(f"echo blocks its thread, in lab, run {answer['assistant']['run_id']}:")
    assert "in a_block" in told
    assert "release.wait()" in told
    assert sum("echo blocks its thread" in line for line in said.lines) == 1
    assert metrics.BLOCKED.labels("echo")._value.get() == blocked + 1


async def test_a_loop_without_end_is_stopped(store_url: str, room: TestRoom, heard: Listener) -> None:
    """Code that never lets go of the processor ends for the room when somebody says so."""
    entered, release = Gate(), threading.Event()

    @assistant("echo", limits={"timeout": 60})
    async def spins(ctx: Context) -> AsyncIterator[str]:
        yield "one"
        entered.set()
        while not release.is_set():
            pass

    try:
        async with working(store_url, spins):
            await room.say("ada", "hello", wake=["echo"])
            await entered.wait()
            await heard.until(has_begun)
            began = time.monotonic()
            await stop(room, heard)
            await heard.until(finished())
            assert time.monotonic() - began < 2
            release.set()
    finally:
        release.set()
    (answer,) = await room.answers()
    assert (answer["message"], answer["assistant"]["state"]) == ("one", "stopped")


async def test_threads_left_behind_are_few(store_url: str, room: TestRoom, heard: Listener) -> None:
    """An assistant that blocks every time is given no more threads than a few, and says why."""
    release = threading.Event()

    @assistant("echo", limits={"timeout": 0.5})
    async def blocks(ctx: Context) -> AsyncIterator[str]:
        release.wait()
        yield "late"

    try:
        async with working(store_url, blocks):
            for number in range(stage.MAX_BLOCKED + 1):
                await room.say("ada", f"q{number}", wake=["echo"])
            await heard.until(finished(stage.MAX_BLOCKED + 1))
            release.set()
    finally:
        release.set()
    told = [answer["message"] for answer in await room.answers()]
    assert all("ran out of time" in text for text in told[:-1])
    assert "do not come to an end" in told[-1]


async def test_the_models_connection_ends_with_a_blocked_answer(
    store_url: str, room: TestRoom, heard: Listener
) -> None:
    """What the model still says costs money: its connection is the worker's, and waits for no code."""
    release = threading.Event()
    async with ModelServer() as server:

        @assistant("echo")
        async def blocks(ctx: Context) -> AsyncIterator[str]:
            async for piece in ctx.llm([{"role": "user", "content": ctx.text}], model="m"):
                yield piece
                release.wait()

        model = ChatModel(api_key=None, base_url=server.url)
        try:
            async with working(store_url, blocks, model=model):
                await room.say("ada", "hello", wake=["echo"])
                exchange = await server.asked()
                await exchange.say("one")
                await heard.until(has_begun)
                await stop(room, heard)
                async with asyncio.timeout(5):
                    await exchange.disconnected.wait()
                await heard.until(finished())
                release.set()
        finally:
            release.set()
    (answer,) = await room.answers()
    assert (answer["message"], answer["assistant"]["state"]) == ("one", "stopped")
