"""Assistants' runs: one worker at a time for an assistant in a room, by a lease with a fence.

A room's log and the assistant's cursor in it are the truth about what is left to answer. Every script here
checks the token of the lease that it is given; `LeaseLost` means that another worker has taken over since,
and that the caller must stop and touch nothing more.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from redis.exceptions import RedisError

from productflo.errors import LeaseLost, NotFound
from productflo.store.client import Client
from productflo.store.events import StopAsked, encode
from productflo.store.keys import RoomKeys
from productflo.store.refusals import told
from productflo.store.reply import text
from productflo.store.scripts import Argument, script

LEASE = 15.0
"""Seconds that a worker may be silent before another takes its answer over: longer than a pause of the
store's or the collector's, shorter than people wait."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to answer for an assistant in a room. `cursor` is the seq that was dealt with last."""

    room: str
    assistant: str
    token: str
    cursor: int


@dataclass(frozen=True, slots=True)
class Begun:
    """An answer that was begun, by this try or by an earlier one, whose text so far is `text`.

    `stop` names who asked for it to be stopped, if anybody did.
    """

    message_id: str
    run_id: str
    tries: int
    text: str
    stop: str | None


@dataclass(frozen=True, slots=True)
class RunSnapshot:
    """An answer as it stands. `index` is that of the last piece in `text`; -1 where nothing was said."""

    assistant: str
    message_id: str
    run_id: str
    text: str
    index: int


class Released(StrEnum):
    """What came of giving a lease back."""

    OK = "OK"
    MORE = "MORE"
    """The room has something new: the lease is kept."""


@dataclass(frozen=True, slots=True)
class RunStore:
    """The runs of all rooms. Methods raise `StoreAway`; those that take a lease raise `LeaseLost`."""

    redis: Client
    lease: float = LEASE

    async def acquire(self, room: str, assistant: str, worker: str) -> Lease | None:
        """Take the lease; None while another holds it.

        Raises `NotFound` where the room has no such assistant.
        """
        keys = RoomKeys(room)
        holder = f"{worker}.{secrets.token_hex(4)}"
        found = await self._call(
            "run_acquire", [keys.run(assistant), keys.assistants], [assistant, holder, self._lease_ms]
        )
        if found == b"ABSENT":
            raise NotFound(f"{assistant} is no assistant of {room}.")
        return None if found == b"HELD" else Lease(room, assistant, text(found[0]), found[1])

    async def begin(self, lease: Lease, question: int, message_id: str) -> Begun:
        """Begin the answer to the message `question`; one that was begun before keeps its message id."""
        message, run, tries, said, stop = await self._held(
            "run_begin", lease, [self._lease_ms, question, message_id]
        )
        return Begun(text(message), text(run), tries, text(said), text(stop) or None)

    async def renew(self, lease: Lease) -> str | None:
        """Keep the lease; who asked for the answer to be stopped, if anybody did."""
        (stop,) = await self._held("run_save", lease, [self._lease_ms])
        return text(stop) or None

    async def save(self, lease: Lease, said: str, index: int) -> str | None:
        """As `renew`, and save the text so far, up to the piece `index`."""
        (stop,) = await self._held("run_save", lease, [self._lease_ms, said, index])
        return text(stop) or None

    async def pass_over(self, lease: Lease, seq: int) -> None:
        """Everything up to `seq` is dealt with."""
        await self._held("run_pass", lease, [seq])

    async def release(self, lease: Lease) -> Released:
        """Give the lease back, unless the room has something new."""
        keys = RoomKeys(lease.room)
        return Released(text(await self._held("run_release", lease, [], keys.meta)))

    async def hand_over(self, lease: Lease) -> None:
        """Give the lease back in the middle of an answer, for another worker to go on at once."""
        await self._held("run_hand_over", lease, [])

    async def stop(self, room: str, assistants: Sequence[str], message_id: str, by: str) -> bool:
        """Ask for an answer to be stopped, and tell its worker; False where nobody is writing it."""
        keys = RoomKeys(room)
        runs = [keys.run(assistant) for assistant in assistants]
        event = encode(StopAsked(message_id, by))
        return bool(await self._call("run_stop", [keys.bus, *runs], [message_id, by, event]))

    async def running(self, room: str, assistants: Sequence[str]) -> list[RunSnapshot]:
        """The answers that the assistants are writing in a room."""
        keys = RoomKeys(room)
        pipeline = self.redis.pipeline(transaction=False)
        for assistant in assistants:
            pipeline.hmget(keys.run(assistant), ["message_id", "run_id", "text", "index"])
        try:
            found = await pipeline.execute() if assistants else []
        except RedisError as error:
            raise told(error) from error
        return [
            RunSnapshot(assistant, text(message_id), text(run_id), text(said or b""), int(index))
            for assistant, (message_id, run_id, said, index) in zip(assistants, found, strict=True)
            if message_id is not None
        ]

    async def behind(self, assistant: str, rooms: Sequence[str]) -> list[str]:
        """The rooms that hold something which the assistant has not dealt with, whoever may be at it."""
        pipeline = self.redis.pipeline(transaction=False)
        for room in rooms:
            pipeline.hget(RoomKeys(room).meta, "seq")
            pipeline.hget(RoomKeys(room).run(assistant), "cursor")
        try:
            found = await pipeline.execute() if rooms else []
        except RedisError as error:
            raise told(error) from error
        seqs, cursors = found[::2], found[1::2]
        return [
            room
            for room, seq, cursor in zip(rooms, seqs, cursors, strict=True)
            if cursor is not None and int(seq or 0) > int(cursor)
        ]

    @property
    def _lease_ms(self) -> int:
        return round(self.lease * 1000)

    async def _held(self, name: str, lease: Lease, args: Sequence[Argument], *more_keys: str) -> Any:
        """Call a script under a lease. Raises `LeaseLost`."""
        run = RoomKeys(lease.room).run(lease.assistant)
        found = await self._call(name, [run, *more_keys], [lease.token, *args])
        if found == b"LOST":
            raise LeaseLost(f"Another worker answers for {lease.assistant} in {lease.room}.")
        return found

    async def _call(self, name: str, keys: Sequence[str], args: Sequence[Argument]) -> Any:
        try:
            return await script(name)(self.redis, keys, args)
        except RedisError as error:
            raise told(error) from error
