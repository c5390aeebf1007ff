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

import orjson
from redis.exceptions import RedisError

from productflo.errors import LeaseLost, NotFound
from productflo.store.asked import Asking, Pending, Silence
from productflo.store.client import Client
from productflo.store.events import StopAsked, encode
from productflo.store.exchange import Argument
from productflo.store.keys import RoomKeys
from productflo.store.refusals import told
from productflo.store.reply import text
from productflo.store.scripts import script
from productflo.store.together import call

LEASE = 15.0
"""Seconds that a worker may be silent before another takes its answer over: longer than a pause of the
store's or the collector's, shorter than people wait."""
CLAIM = 86_400
"""Seconds that it is known who answers a question that several assistants hear: no worker is away for longer
and still finds it new."""
AGAIN = 16
"""Requests for answers anew that may wait in a room: far more than people ask for."""
PASSED_ON = 256
"""What may wait to be asked again before a listener gets no more questions of silent ones: an assistant whose
workers are away for long. The list is read whole, and has 100 bytes a question."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to answer for an assistant in a room. `cursor` is the seq that was dealt with last."""

    room: str
    assistant: str
    token: str
    cursor: int


@dataclass(frozen=True, slots=True)
class Held:
    """Another has the lease, for so many `seconds` unless it renews it or gives it back."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Begun:
    """An answer that was begun, by this try or by an earlier one, whose text so far is `text`.

    `stop` names who asked for it to be stopped, if anybody did; `acted` tells that it may have changed
    something outside the room.
    """

    message_id: str
    run_id: str
    tries: int
    text: str
    stop: str | None
    acted: bool = False


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks for something to be stopped; an operator may always."""

    user_id: str
    operator: bool = False

    @property
    def rank(self) -> str:
        """As the scripts know it."""
        return "operator" if self.operator else ""


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

    async def acquire(self, room: str, assistant: str, worker: str) -> Lease | Held:
        """Take the lease, also from a run of the worker that its supervisor has seen end.

        Raises `NotFound` where the room has no such assistant.
        """
        keys = RoomKeys(room)
        holder = f"{worker}.{secrets.token_hex(4)}"
        found = await self._call(
            "run_acquire", [keys.run(assistant), keys.assistants], [assistant, holder, self._lease_ms]
        )
        if found == b"ABSENT":
            raise NotFound(f"{assistant} is no assistant of {room}.")
        if isinstance(found, int):
            return Held(found / 1000)
        return Lease(room, assistant, text(found[0]), found[1])

    async def begin(self, lease: Lease, asking: Asking, message_id: str) -> Begun:
        """Begin an answer; one that was begun before keeps its message id.

        Under the same lease it is the same try: the answer begins anew, or the call was sent twice.
        """
        seqs = f" {' '.join(map(str, asking.seqs))} "
        message, run, tries, said, stop, acted = await self._held(
            "run_begin",
            lease,
            [self._lease_ms, asking.name, message_id, seqs, asking.asker, asking.regenerates or ""],
        )
        return Begun(text(message), text(run), tries, text(said), text(stop) or None, bool(acted))

    async def act(self, lease: Lease) -> None:
        """Note that the answer is about to change something outside the room."""
        await self._held("run_act", lease, [self._lease_ms])

    async def claim(self, lease: Lease, seq: int) -> bool:
        """Whether the assistant is the one that answers the message `seq`, which several hear."""
        claim = RoomKeys(lease.room).claim(seq)
        return bool(await self._held("run_claim", lease, [lease.assistant, CLAIM], claim))

    async def pending(self, lease: Lease) -> Pending:
        """What was asked for beside the log."""
        run = RoomKeys(lease.room).run(lease.assistant)
        try:
            withdrawn, again = await self.redis.hmget(run, ["withdrawn", "again"])
        except RedisError as error:
            raise told(error) from error
        return Pending.read(withdrawn, again)

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

    async def pass_on(self, lease: Lease, silence: Silence, listeners: Sequence[str]) -> str | None:
        """Deal with a question by silence, and have the first of the `listeners` asked; returns who that is.

        One is left out that does not hear everything any more, or has too much waiting. None is asked where
        none is left, where somebody has stopped the answer, and where the call is sent again.
        """
        keys = RoomKeys(lease.room)
        seqs, silent = orjson.dumps(silence.seqs), orjson.dumps(silence.silent)
        found = await self._held(
            "run_pass_on",
            lease,
            [silence.message_id, silence.end, seqs, silent, silence.asker, PASSED_ON, *listeners],
            *(keys.assistants, keys.meta, *map(keys.run, listeners)),
        )
        return text(found) or None

    async def release(self, lease: Lease) -> Released:
        """Give the lease back, unless the room has something new."""
        keys = RoomKeys(lease.room)
        return Released(text(await self._held("run_release", lease, [], keys.meta)))

    async def hand_over(self, lease: Lease) -> None:
        """Give the lease back in the middle of an answer, for another worker to go on at once."""
        await self._held("run_hand_over", lease, [])

    async def stop(self, room: str, assistants: Sequence[str], message_id: str, caller: Caller) -> bool:
        """Ask for an answer to be stopped, and tell its worker; False where nobody is writing it.

        Raises `PermissionError` where the room lets only the asker, and the caller is not.
        """
        keys = RoomKeys(room)
        runs = [keys.run(assistant) for assistant in assistants]
        event = encode(StopAsked(message_id, caller.user_id))
        args: list[Argument] = [message_id, caller.user_id, caller.rank, event]
        return bool(_allowed(await self._call("run_stop", [keys.bus, keys.meta, *runs], args), room))

    async def withdraw(
        self, room: str, assistants: Sequence[str], question: tuple[int, str, str], caller: Caller
    ) -> bool:
        """Take a question (seq, message id, sender) back; False where no assistant has still to answer it.

        Raises `PermissionError` as `stop` does.
        """
        seq, message_id, sender = question
        keys = RoomKeys(room)
        runs = [keys.run(assistant) for assistant in assistants]
        event = encode(StopAsked(message_id, caller.user_id))
        args: list[Argument] = [seq, sender, caller.user_id, caller.rank, event]
        return bool(_allowed(await self._call("run_withdraw", [keys.bus, keys.meta, *runs], args), room))

    async def withdraw_again(self, room: str, assistant: str, answer: str, caller: Caller) -> bool:
        """Take the wish for an answer anew back; False where none waits.

        Raises `PermissionError` as `stop` does; its asker is who wanted the answer anew.
        """
        keys = RoomKeys(room)
        event = encode(StopAsked(answer, caller.user_id))
        args: list[Argument] = [answer, caller.user_id, caller.rank, event]
        found = await self._call("run_withdraw_again", [keys.bus, keys.meta, keys.run(assistant)], args)
        return bool(_allowed(found, room))

    async def regenerate(self, room: str, assistant: str, answer: str, asker: str, caller: Caller) -> str:
        """Ask for an answer anew: `OK`, `absent` where the room has no such assistant, or `full`.

        `asker` is who asked the question. Raises `PermissionError` as `stop` does.
        """
        keys = RoomKeys(room)
        args: list[Argument] = [answer, asker, caller.user_id, caller.rank, AGAIN]
        found = await self._call("run_regenerate", [keys.run(assistant), keys.meta], args)
        return text(_allowed(found, room))

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
            pipeline.hmget(RoomKeys(room).run(assistant), ["cursor", "again"])
        try:
            found = await pipeline.execute() if rooms else []
        except RedisError as error:
            raise told(error) from error
        return [
            room
            for room, seq, (cursor, again) in zip(rooms, found[::2], found[1::2], strict=True)
            if cursor is not None and (again is not None or int(seq or 0) > int(cursor))
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
            return await call(self.redis, script(name), keys, args)
        except RedisError as error:
            raise told(error) from error


def _allowed(found: Any, room: str) -> Any:
    if found == b"forbidden":
        raise PermissionError(room)
    return found
