"""A room's log: the durable events, appended by one script, read by seq.

Appends are group commits: the messages that arrive in one turn of the event loop go to Redis in one
pipeline, one script call a room. The next pipeline leaves when the previous one was answered, so what
waits meanwhile gathers by itself, and a sender's messages keep their order. An idea as old as databases;
in a trial on Valkey 9.1 with `appendfsync always` it took 50,000 messages a second where a call a message
took 21,000.
"""

import asyncio
import hashlib
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from productflo.errors import Conflict, LeaseLost, PermissionDenied, ProductFloError, StoreAway, Unconfirmed
from productflo.store.connect import RETRY_AFTER, told
from productflo.store.keys import RoomKeys
from productflo.store.scripts import Argument, Call, script

log = logging.getLogger(__name__)

MAX_WAITING = 20_000
"""Appends that may wait for the store, over all rooms: some 20 MB of ordinary messages."""
MAX_BATCH = 500
"""Messages of one script call: about 5 ms in which the store serves nobody else."""
MAX_BATCH_BYTES = 2_097_152
"""Of the messages that go at once, and are published at once: Redis drops a listener for which 32 MB wait."""
RETRY_DELAY = 0.25
"""Seconds between tries while the store is away."""
GIVE_UP_AFTER = 30.0
"""Seconds after which an append that the store did not answer is given up, its outcome unknown."""


@dataclass(frozen=True, slots=True)
class RunGuard:
    """An assistant's right to write its answer: its lease's token, and the cursor to move with it."""

    assistant: str
    token: str
    cursor: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A message to append.

    `head` is the envelope encoded by `codec.open_ended`; `content` is what a retry must repeat to count
    as one.
    """

    room: str
    sender: str
    message_id: str
    head: bytes
    content: bytes
    files: tuple[str, ...] = ()
    guard: RunGuard | None = None

    def arguments(self) -> Iterable[Argument]:
        """As append.lua takes a message."""
        digest = hashlib.blake2b(self.sender.encode() + b"\n" + self.content, digest_size=16).digest()
        return (self.sender, self.message_id, digest, len(self.files), *self.files, self.head)


@dataclass(frozen=True, slots=True)
class Appended:
    """An append that is in the log.

    `envelope` is set only where the message was there already; others reach everybody over the bus.
    `assistants` are the room's, with what they listen to.
    """

    seq: int
    envelope: bytes | None
    assistants: dict[str, str]


@dataclass(frozen=True, slots=True)
class Record:
    """A durable event as it stands in the log."""

    seq: int
    envelope: bytes


@dataclass(slots=True)
class _Waiting:
    entry: Entry
    answer: asyncio.Future[Appended] = field(repr=False)


_Batch = tuple[str, RunGuard | None, list[_Waiting]]


class Log:
    """The logs of all rooms. `run()` must be running for `append` to be answered."""

    def __init__(self, redis: Redis, *, retention: int) -> None:
        self._redis = redis
        self._retention = retention
        self._script = script("append")
        self._waiting: list[_Waiting] = []
        self._arrived = asyncio.Event()
        self._away = False

    async def append(self, entry: Entry) -> Appended:
        """Write a message, once.

        Raises `PermissionDenied` (no member), `Conflict` (the id stands for something else), `LeaseLost`,
        `StoreFull`, `StoreAway` (not written) or `Unconfirmed` (not known). Cancelling the caller does not
        take back what was handed in.
        """
        return await asyncio.shield(self.hand_in(entry))

    def hand_in(self, entry: Entry) -> asyncio.Future[Appended]:
        """As `append`, for who wants to know what became of it also where nobody waits any more."""
        if self._away or len(self._waiting) >= MAX_WAITING:
            raise StoreAway("The store is away. Send the message again shortly.", retry_after=RETRY_AFTER)
        waiting = _Waiting(entry, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._arrived.set()
        return waiting.answer

    async def run(self) -> None:
        """Commit what arrives, until cancelled; what is unanswered then is `StoreAway` or `Unconfirmed`."""
        sent: list[_Waiting] = []
        try:
            while True:
                await self._arrived.wait()
                self._arrived.clear()
                while self._waiting:
                    count = _fitting(self._waiting)
                    sent, self._waiting = self._waiting[:count], self._waiting[count:]
                    await self._commit(_batches(sent))
        finally:
            _refuse(sent, _unconfirmed())
            _refuse(self._waiting, StoreAway("The server stops.", retry_after=RETRY_AFTER))

    async def _commit(self, batches: list[_Batch]) -> None:
        """Call the script for each batch until the store answers; the script knows a repeated call."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + GIVE_UP_AFTER
        while batches:
            batches, failure = await self._try(batches)
            self._away = failure is not None
            if failure is None:
                continue
            if loop.time() > deadline:
                log.error("Gave up %d appends: %s", sum(len(waiting) for _, _, waiting in batches), failure)
                for _, _, waiting in batches:
                    _refuse(waiting, _unconfirmed())
                self._away = False  # the next append finds out
                return
            await asyncio.sleep(RETRY_DELAY)

    async def _try(self, batches: list[_Batch]) -> tuple[list[_Batch], ProductFloError | None]:
        """One pipeline; the batches that are still open, and why the store is away if it is."""
        try:
            results = await self._script.each(self._redis, [self._call(*batch) for batch in batches])
        except RedisError as error:
            return batches, told(error)
        left: list[_Batch] = []
        failure: ProductFloError | None = None
        for batch, result in zip(batches, results, strict=True):
            if not isinstance(result, RedisError):
                _answer(batch[2], result)
            elif isinstance(refusal := told(result), StoreAway):
                failure = refusal
                left.append(batch)
            else:
                _refuse(batch[2], refusal)
        return left, failure

    def _call(self, room: str, guard: RunGuard | None, waiting: Sequence[_Waiting]) -> Call:
        k = RoomKeys(room)
        keys = [k.log, k.meta, k.ids, k.members, k.files, k.assistants, k.bus, k.reads]
        if guard:
            keys.append(k.run(guard.assistant))
        args: list[Argument] = [self._retention, *((guard.token, guard.cursor) if guard else ("", ""))]
        for one in waiting:
            args.extend(one.entry.arguments())
        return keys, args

    async def read(self, room: str, after: int, limit: int) -> list[Record]:
        """At most `limit` events after a seq, oldest first."""
        return _records(await self._redis.xrange(RoomKeys(room).log, str(after + 1), "+", count=limit))

    async def read_back(self, room: str, before: int | None, limit: int) -> list[Record]:
        """At most `limit` events before a seq (None: the newest), oldest first."""
        end = "+" if before is None else str(before - 1)
        if end == "0" or end.startswith("-"):
            return []
        return _records(await self._redis.xrevrange(RoomKeys(room).log, end, "-", count=limit))[::-1]

    async def find(self, room: str, message_id: str) -> Record | None:
        """The message of an id, while it is retained."""
        seq = await self._redis.zscore(RoomKeys(room).ids, message_id)
        if seq is None:
            return None
        found = await self.read(room, int(seq) - 1, 1)
        return found[0] if found and found[0].seq == int(seq) else None


def _fitting(waiting: Sequence[_Waiting]) -> int:
    """How many of those that wait go together."""
    sizes = accumulate(len(one.entry.head) for one in waiting[:MAX_BATCH])
    return max(1, sum(size <= MAX_BATCH_BYTES for size in sizes))


def _batches(waiting: Iterable[_Waiting]) -> list[_Batch]:
    """One batch a room; an assistant's guarded answer is a batch of its own, in its place."""
    rooms: dict[str, _Batch] = {}
    batches: list[_Batch] = []
    for one in waiting:
        room = one.entry.room
        if one.entry.guard:
            batches.append((room, one.entry.guard, [one]))
            rooms.pop(room, None)
        elif room in rooms:
            rooms[room][2].append(one)
        else:
            rooms[room] = (room, None, [one])
            batches.append(rooms[room])
    return batches


def _answer(waiting: Sequence[_Waiting], result: Any) -> None:
    results, flat = result
    assistants = {flat[i].decode(): flat[i + 1].decode() for i in range(0, len(flat), 2)}
    for one, (outcome, *rest) in zip(waiting, results, strict=True):
        if one.answer.done():
            continue
        match outcome:
            case b"ok":
                one.answer.set_result(Appended(rest[0], None, assistants))
            case b"duplicate":
                one.answer.set_result(Appended(rest[0], rest[1], assistants))
            case _:
                one.answer.set_exception(_refusal(outcome, one.entry))


def _refusal(outcome: bytes, entry: Entry) -> ProductFloError:
    match outcome:
        case b"conflict":
            return Conflict(
                f"The message_id {entry.message_id} stands for another message of this room. Use a new one.",
                field="data.message_id",
            )
        case b"lost":
            return LeaseLost("Another worker has taken this answer over.")
        case _:
            return PermissionDenied("You are not a member of this room. Join it first.", field="room_id")


def _refuse(waiting: Iterable[_Waiting], error: ProductFloError) -> None:
    for one in waiting:
        if not one.answer.done():
            one.answer.set_exception(error)
            one.answer.exception()  # a caller that was cancelled no longer asks


def _unconfirmed() -> ProductFloError:
    return Unconfirmed(
        "The store did not confirm the message. Send it again with the same message_id.",
        retry_after=RETRY_AFTER,
    )


def _records(entries: Any) -> list[Record]:
    return [Record(int(entry_id.split(b"-")[0]), fields[b"e"]) for entry_id, fields in entries]
