"""Rooms for tests that need no web process: people who say things, and what stands in the log afterwards."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from redis.asyncio import Redis

from productflo.domain.identity import Identity
from productflo.protocol.codec import in_parts
from productflo.protocol.codes import Kind, RoomKind
from productflo.protocol.ids import random_id
from productflo.protocol.messages import AnswerData, ChatResponse, ChatResponseData
from productflo.service.runs import Runs
from productflo.service.wakeups import Wakeups
from productflo.store.bus import Bus
from productflo.store.entries import Entry, RunGuard
from productflo.store.events import RoomEvent
from productflo.store.keys import ready
from productflo.store.log import Log
from productflo.store.retention import Retention
from productflo.store.rooms import Member, Room, Rooms
from productflo.store.runs import RunStore

NOON = "2026-06-01T12:00:00.000Z"
KEPT = Retention(1000)
"""What rooms keep where a test does not say."""
PATIENCE = 20.0
"""Seconds that a test waits for something to happen before it fails."""


@dataclass(frozen=True, slots=True)
class TestRoom:
    """A room with its people and assistants."""

    __test__ = False

    name: str
    redis: Redis
    log: Log

    async def say(
        self,
        sender: str,
        text: str,
        *,
        reply_to: str | None = None,
        wake: Sequence[str] = (),
        mentions: Sequence[str] = (),
    ) -> str:
        """A person says something; the assistants to wake hear of it. Returns the message id."""
        message_id = random_id("msg")
        await self.log.append(entry(self.name, sender, text, message_id, reply_to, mentions=mentions))
        await self.wake(*wake)
        return message_id

    async def wake(self, *assistants: str) -> None:
        """Tell the assistants' workers to look."""
        for assistant in assistants:
            await self.redis.xadd(ready(assistant), {"room": self.name})

    async def said(self) -> list[dict[str, Any]]:
        """The `data` of every message, in the room's order."""
        records = await self.log.read(self.name, 0, 1000)
        return [orjson.loads(record.envelope)["data"] for record in records]

    async def answers(self) -> list[dict[str, Any]]:
        """The messages of assistants, in the room's order."""
        return [data for data in await self.said() if "assistant" in data]


def entry(
    room: str,
    sender: str,
    text: str,
    message_id: str,
    reply_to: str | None = None,
    guard: RunGuard | None = None,
    files: Sequence[str] = (),
    mentions: Sequence[str] = (),
) -> Entry:
    """A message as the append script takes it."""
    answer = AnswerData(run_id=f"{message_id}.1", state="done") if guard else None
    envelope = ChatResponse(
        user_id=sender,
        room_id=room,
        timestamp=NOON,
        data=ChatResponseData(
            message=text,
            sender=sender,
            message_id=message_id,
            attached_files=list(files),
            reply_to=reply_to,
            metadata={},
            assistant=answer,
            mentions=list(mentions) or None,
        ),
    )
    content = orjson.dumps([text, files])
    return Entry(room, sender, message_id, in_parts(envelope), content, tuple(files), guard)


def person(user_id: str) -> Identity:
    """Somebody who has no rights beyond their own."""
    return Identity(user_id, user_id)


def answers_of(room: TestRoom, store: RunStore | None = None) -> Runs:
    """The assistants' answers as the doors see them. Assistants are woken by the test."""
    return Runs(store or RunStore(room.redis), Rooms(room.redis), room.log, Wakeups(room.redis))


@asynccontextmanager
async def writing(redis: Redis, retention: Retention = KEPT, *, replicas: int = 0) -> AsyncIterator[Log]:
    """A log that commits."""
    log = Log(redis, retention=retention, replicas=replicas)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(log.run())
        yield log
        running.cancel()


async def make_room(
    redis: Redis,
    log: Log,
    name: str,
    *,
    people: Sequence[str] = ("ada",),
    assistants: Sequence[str] = ("echo",),
) -> TestRoom:
    """A room with members."""
    helpers = [Member(one, one.capitalize(), Kind.ASSISTANT) for one in assistants]
    members = [Member(one, one.capitalize(), Kind.HUMAN) for one in people]
    await Rooms(redis).create(Room(name, RoomKind.OPEN, people[0]), helpers, members)
    return TestRoom(name, redis, log)


class Listener:
    """What happens in a room, from the moment that it is listened to."""

    def __init__(self) -> None:
        self.events: list[RoomEvent] = []
        self.subscriptions = 0
        self._happened = asyncio.Event()

    def heard(self, room: str, event: RoomEvent) -> None:
        """Take an event of the bus."""
        self.events.append(event)
        self._happened.set()

    def subscribed(self, room: str) -> None:
        """Listening began, or began again after the store was away."""
        self.subscriptions += 1
        self._happened.set()

    async def until(self, holds: Callable[[list[RoomEvent]], bool]) -> list[RoomEvent]:
        """Wait until what has happened so far is as wished; fails after 20 s."""
        async with asyncio.timeout(PATIENCE):
            while not holds(self.events):
                self._happened.clear()
                await self._happened.wait()
        return self.events

    async def quiet(self, seconds: float) -> None:
        """Wait until nothing has happened for so long."""
        while True:
            self._happened.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self._happened.wait()
            except TimeoutError:
                return


@asynccontextmanager
async def listening(redis: Redis, room: str) -> AsyncIterator[Listener]:
    """Listen to a room's channel."""
    listener, bus = Listener(), Bus(redis)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(bus.run(listener.heard, lambda user, word: None, listener.subscribed))
        await bus.heard()
        await bus.subscribe(room)
        yield listener
        running.cancel()
