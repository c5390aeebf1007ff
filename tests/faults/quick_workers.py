"""Worker processes with short leases, and a room in which people ask them."""

import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import answers
import pytest
from processes import Spoken, environment, running
from redis.asyncio import Redis
from rooms import Listener, TestRoom, make_room, writing
from workers import QUICK_LEASE

from productflo.store.events import Logged, PieceSaid, RoomEvent

heard = answers.heard

QUICK_WORKER = (sys.executable, str(Path(__file__).with_name("quick_worker.py")))
TESTS = str(Path(__file__).parents[1])
REPOSITORY = str(Path(__file__).parents[2])
PEOPLE = ("ada", "bo", "cy")
"""Who asks in turn: what one of them says in a row would be one question."""
SETTLED = QUICK_LEASE + 1.0
"""Seconds in which a lease ends and an answer is given: after as much quiet nothing more is coming."""


def worker(data: Path, store_url: str, *more: str, **variables: str) -> AbstractAsyncContextManager[Spoken]:
    """A worker process with short leases."""
    return running(*QUICK_WORKER, store_url, *more, env={**environment(data, **variables), **paths(data)})


def paths(data: Path) -> dict[str, str]:
    """What a quick worker needs in its environment beside any server's."""
    path = ":".join(filter(None, (TESTS, REPOSITORY, os.environ.get("PYTHONPATH"))))
    return {"PYTHONPATH": path, "ACTED": str(data / "acted")}


@pytest.fixture
async def room(redis: Redis) -> AsyncIterator[TestRoom]:
    async with writing(redis) as log:
        yield await make_room(redis, log, "lab", people=PEOPLE)


async def ask(room: TestRoom, number: int) -> str:
    """One after the other of the people asks `q<number>`."""
    return await room.say(PEOPLE[number % len(PEOPLE)], f"@echo q{number}", wake=["echo"])


def messages(count: int) -> Callable[[list[RoomEvent]], bool]:
    """Whether so many messages were logged, questions and answers."""
    return lambda events: sum(len(event.envelopes) for event in events if isinstance(event, Logged)) >= count


def a_piece(events: list[RoomEvent]) -> bool:
    return any(isinstance(event, PieceSaid) for event in events)


def run_ids(listener: Listener) -> list[str]:
    """The runs that were heard, in order, each once."""
    return list(dict.fromkeys(event.run_id for event in listener.events if isinstance(event, PieceSaid)))
