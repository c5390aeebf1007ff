"""A room's log: the durable events, appended by one script, read by seq."""

import asyncio
from collections.abc import Sequence
from typing import Any

from productflo import metrics
from productflo.errors import ProductFloError
from productflo.store.client import Client
from productflo.store.commit import Commits, Confirmation
from productflo.store.entries import Appended, Entry, Record, Revision, outcome
from productflo.store.keys import RoomKeys
from productflo.store.retention import Retention
from productflo.store.scripts import Argument, Call, script


class Log:
    """The logs of all rooms. `run()` must be running for `append` to be answered.

    With `replicas`, nobody is told of an event, its author neither, before so many replicas have it.
    """

    def __init__(self, redis: Client, *, retention: Retention, replicas: int = 0) -> None:
        self._redis = redis
        self._retention = retention
        self._hold = "hold" if replicas else ""
        self._commits = Commits(redis, script("append"), self._call, _outcomes, Confirmation(replicas, _told))

    async def append(self, entry: Entry | Revision) -> Appended:
        """Write a message, or what is done to one, once.

        Raises `PermissionDenied` (no member, or not theirs), `NotFound` (no such message), `Conflict` (the id
        stands for something else), `TooLarge` (reactions), `LeaseLost`, `StoreFull`, `StoreAway` (not
        written) or `Unconfirmed` (not known). Cancelling the caller does not take back what was handed in.
        """
        return await asyncio.shield(self.hand_in(entry))

    def hand_in(self, entry: Entry | Revision) -> asyncio.Future[Appended]:
        """As `append`, for who wants to know what became of it also where nobody waits any more."""
        return self._commits.hand_in(entry)

    async def run(self) -> None:
        """Commit what arrives, until cancelled; what is unanswered then is `StoreAway` or `Unconfirmed`."""
        await self._commits.run()

    def _call(self, entries: Sequence[Entry | Revision]) -> Call:
        """The script's call for entries of one room: one that is guarded, or any number that are not."""
        k = RoomKeys(entries[0].room)
        keys = [k.log, k.meta, k.ids, k.members, k.files, k.assistants, k.bus, k.reads]
        keys += [k.messages, k.deleted, k.feedback, k.seen, k.seen_before]
        args: list[Argument] = [*self._retention.arguments()]
        if guard := entries[0].guard:
            keys.append(k.run(guard.assistant))
            args += (guard.token, guard.cursor, self._hold)
        else:
            answering = {name for one in entries for name in one.answering}
            keys += [k.run(assistant) for assistant in sorted(answering)]
            args += ("", "", self._hold)
        for one in entries:
            args.extend(one.arguments())
        return keys, args

    async def read(self, room: str, after: int, limit: int) -> list[Record]:
        """At most `limit` events after a seq, oldest first, each as it is now.

        Their seqs have no hole. The first one's is `after + 1`, unless what is there was trimmed.
        """
        return await self._events(room, "XRANGE", str(after + 1), "+", limit)

    async def read_back(self, room: str, before: int | None, limit: int) -> list[Record]:
        """At most `limit` events before a seq (None: the newest), oldest first, as `read` gives them."""
        if before is not None and before <= 1:
            return []
        end = "+" if before is None else str(before - 1)
        return (await self._events(room, "XREVRANGE", end, "-", limit))[::-1]

    async def messages(self, room: str, after: int, limit: int, size: int) -> list[Record]:
        """At most `limit` messages after a seq, oldest first, each as it is now; other events are skipped.

        The one with which they exceed `size` bytes is the last.
        """
        return await self._messages(room, "ZRANGEBYSCORE", (f"({after}", "+inf"), limit, size)

    async def messages_back(self, room: str, before: int | None, limit: int, size: int) -> list[Record]:
        """As `messages`, but the last ones before a seq (None: the newest); oldest first all the same."""
        newest = "+inf" if before is None else f"({before}"
        return (await self._messages(room, "ZREVRANGEBYSCORE", (newest, "-inf"), limit, size))[::-1]

    async def find(self, room: str, message_id: str) -> Record | None:
        """The message of an id as it is now, deleted or not, while it is retained."""
        seq = await self._redis.zscore(RoomKeys(room).ids, message_id)
        if seq is None:
            return None
        found = await self._events(room, "XRANGE", str(int(seq)), str(int(seq)), 1)
        return found[0] if found else None

    async def _events(self, room: str, command: str, begin: str, end: str, limit: int) -> list[Record]:
        k = RoomKeys(room)
        return _records(
            await script("records")(self._redis, [k.log, k.messages], [command, begin, end, limit])
        )

    async def _messages(
        self, room: str, command: str, ends: tuple[str, str], limit: int, size: int
    ) -> list[Record]:
        k = RoomKeys(room)
        keys = [k.log, k.messages, k.ids]
        return _records(await script("messages")(self._redis, keys, [command, *ends, limit, size]))


def _outcomes(entries: Sequence[Entry | Revision], answer: Any) -> list[Appended | ProductFloError]:
    """What became of each entry, as append.lua tells it."""
    results, flat, *_ = answer
    assistants = {flat[i].decode(): flat[i + 1].decode() for i in range(0, len(flat), 2)}
    outcomes = [outcome(told, one, assistants) for told, one in zip(results, entries, strict=True)]
    for told in outcomes:
        if isinstance(told, Appended):
            (metrics.DUPLICATES if told.envelope is not None else metrics.APPENDED).inc()
    return outcomes


def _told(entries: Sequence[Entry | Revision], answer: Any) -> tuple[str, bytes]:
    """The channel, and what append.lua leaves to be published there."""
    _, _, told = answer
    return RoomKeys(entries[0].room).bus, told


def _records(flat: Any) -> list[Record]:
    return [Record(seq, envelope) for seq, envelope in zip(flat[::2], flat[1::2], strict=True)]
