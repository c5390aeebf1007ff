"""A room's log: the durable events, appended by one script, read by seq."""

import asyncio
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from productflo import metrics
from productflo.errors import Conflict, LeaseLost, PermissionDenied, ProductFloError
from productflo.store.client import Client
from productflo.store.commit import Commits
from productflo.store.keys import RoomKeys
from productflo.store.scripts import Argument, Call, script


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

    @property
    def alone(self) -> bool:
        """A guarded answer moves its assistant's cursor: no other may share its call."""
        return self.guard is not None

    @property
    def size(self) -> int:
        """Bytes that it takes up while it waits, roughly."""
        return len(self.head) + len(self.content)

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


class Log:
    """The logs of all rooms. `run()` must be running for `append` to be answered."""

    def __init__(self, redis: Client, *, retention: int) -> None:
        self._redis = redis
        self._retention = retention
        self._commits = Commits(redis, script("append"), self._call, _outcomes)

    async def append(self, entry: Entry) -> Appended:
        """Write a message, once.

        Raises `PermissionDenied` (no member), `Conflict` (the id stands for something else), `LeaseLost`,
        `StoreFull`, `StoreAway` (not written) or `Unconfirmed` (not known). Cancelling the caller does not
        take back what was handed in.
        """
        return await asyncio.shield(self.hand_in(entry))

    def hand_in(self, entry: Entry) -> asyncio.Future[Appended]:
        """As `append`, for who wants to know what became of it also where nobody waits any more."""
        return self._commits.hand_in(entry)

    async def run(self) -> None:
        """Commit what arrives, until cancelled; what is unanswered then is `StoreAway` or `Unconfirmed`."""
        await self._commits.run()

    def _call(self, entries: Sequence[Entry]) -> Call:
        """The script's call for entries of one room: one that is guarded, or any number that are not."""
        k = RoomKeys(entries[0].room)
        keys = [k.log, k.meta, k.ids, k.members, k.files, k.assistants, k.bus, k.reads]
        args: list[Argument] = [self._retention]
        if guard := entries[0].guard:
            keys.append(k.run(guard.assistant))
            args += (guard.token, guard.cursor)
        else:
            args += ("", "")
        for one in entries:
            args.extend(one.arguments())
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


def _outcomes(entries: Sequence[Entry], result: Any) -> list[Appended | ProductFloError]:
    """What became of each entry, as append.lua tells it."""
    results, flat = result
    assistants = {flat[i].decode(): flat[i + 1].decode() for i in range(0, len(flat), 2)}
    outcomes: list[Appended | ProductFloError] = []
    for entry, (outcome, *rest) in zip(entries, results, strict=True):
        match outcome:
            case b"ok":
                metrics.APPENDED.inc()
                outcomes.append(Appended(rest[0], None, assistants))
            case b"duplicate":
                metrics.DUPLICATES.inc()
                outcomes.append(Appended(rest[0], rest[1], assistants))
            case _:
                outcomes.append(_refusal(outcome, entry))
    return outcomes


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


def _records(entries: Any) -> list[Record]:
    return [Record(int(entry_id.split(b"-")[0]), fields[b"e"]) for entry_id, fields in entries]
