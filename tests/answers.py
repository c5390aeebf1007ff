"""What the tests of answering share: a room, assistants for it, and when they are done."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from redis.asyncio import Redis
from rooms import Listener, TestRoom, listening, make_room, writing

from assistants import Context, assistant
from assistants.plugin import Assistant
from productflo.store.events import Live, RoomEvent, Typed


class Gates:
    """Lets a test decide when an assistant goes on, and see that it was closed."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.reached = asyncio.Event()
        self.closed = asyncio.Event()


@pytest.fixture
def gates() -> Gates:
    """The gates of one test."""
    return Gates()


@pytest.fixture
async def room(redis: Redis) -> AsyncIterator[TestRoom]:
    """The room `lab`, of one person and the assistant that each test makes."""
    async with writing(redis) as log:
        yield await make_room(redis, log, "lab")


@pytest.fixture
async def heard(redis: Redis, room: TestRoom) -> AsyncIterator[Listener]:
    """What happens in it."""
    async with listening(redis, "lab") as listener:
        yield listener


@assistant("echo")
async def echo(ctx: Context) -> AsyncIterator[str]:
    """An assistant that says what it was told, in two pieces."""
    yield "You said: "
    yield ctx.text


def waits(gates: Gates) -> Assistant[Any]:
    """An assistant that says "one", waits for its gate, and says "two"."""

    @assistant("echo")
    async def waiting(ctx: Context) -> AsyncIterator[str]:
        try:
            yield "one "
            gates.reached.set()
            await gates.opened.wait()
            yield "two"
        finally:
            gates.closed.set()

    return waiting


def finished(count: int = 1) -> Callable[[list[RoomEvent]], bool]:
    """Whether so many answers stand in the log and the typing has stopped after them."""

    def holds(events: list[RoomEvent]) -> bool:
        ended = [event for event in events if isinstance(event, Typed) and not event.started]
        return len(ended) >= count

    return holds


def passing(events: list[RoomEvent]) -> list[bytes]:
    """The envelopes that were told and not kept."""
    return [event.envelope for event in events if isinstance(event, Live)]
