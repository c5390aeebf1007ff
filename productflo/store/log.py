"""A room's log: the durable events, appended by one script, read by seq."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from productflo import metrics, tallies
from productflo.domain.waking import Listens
from productflo.errors import ProductFloError
from productflo.store.client import Client, shard_of
from productflo.store.commit import Commits, Confirmation
from productflo.store.entries import Appended, Entry, Revision
from productflo.store.exchange import Argument, Command
from productflo.store.keys import RoomKeys, ready, slot
from productflo.store.outcomes import outcome
from productflo.store.reading import Reading
from productflo.store.ready import waking
from productflo.store.retention import Retention
from productflo.store.scripts import Call, script

_OFF = Listens.OFF.encode()
_NOBODY: frozenset[str] = frozenset()
ROOMS = 2048
"""Rooms whose keys are kept: some 2 KB each; those that are spoken in at the same time."""

_APPENDED = tallies.Tally(metrics.APPENDED)
_DUPLICATES = tallies.Tally(metrics.DUPLICATES)


class Log(Reading):
    """The logs of all rooms. `run()` must be running for `append` to be answered.

    With `replicas`, nobody is told of an event, its author neither, before so many replicas have it. Else the
    assistants that an entry `wakes` are woken in the same pipeline: their answers need not wait for another
    trip, and another flush to the disk.
    """

    def __init__(self, redis: Client, *, retention: Retention, replicas: int = 0) -> None:
        super().__init__(redis)
        self._limits = retention.arguments()
        self._hold = "hold" if replicas else ""
        self._commits = Commits(
            redis, script("append"), self._call, _outcomes, self._wake, Confirmation(replicas, _told)
        )

    async def append(self, entry: Entry | Revision) -> Appended:
        """Write a message, or what is done to one, once.

        Raises `PermissionDenied` (no member, or not theirs), `NotFound` (no such message), `Conflict` (the id
        stands for something else), `TooLarge` (reactions), `LeaseLost`, `StoreFull`, `StoreAway` (not
        written) or `Unconfirmed` (not known). Cancelling the caller does not take back what was handed in.
        """
        return await self._commits.hand_in(entry)

    def hand_in(
        self, entry: Entry | Revision, answered: Callable[[Appended | ProductFloError], None]
    ) -> None:
        """As `append`, for who does not wait: `answered` is told what became of it, and must not raise."""
        self._commits.begin(entry, answered)

    async def run(self) -> None:
        """Commit what arrives, until cancelled; what is unanswered then is `StoreAway` or `Unconfirmed`."""
        await self._commits.run()

    def _call(self, entries: Sequence[Entry | Revision]) -> Call:
        """The script's call for entries of one room: one that is guarded, or any number that are not."""
        room = entries[0].room
        keys = _keys(room)
        args: list[Argument] = [*self._limits]
        if guard := entries[0].guard:
            keys = (*keys, RoomKeys(room).run(guard.assistant))
            args += (guard.token, guard.cursor, self._hold)
        else:
            if answering := {name for one in entries for name in one.answering}:
                keys = (*keys, *map(RoomKeys(room).run, sorted(answering)))
            args += ("", "", self._hold)
        for one in entries:
            args.extend(one.arguments())
        return keys, args

    def _wake(self, entries: Sequence[Entry | Revision]) -> list[Command]:
        """The commands that wake who sleeps on the room's own server."""
        assistants = sorted({assistant for one in entries for assistant in one.wakes})
        if not assistants:
            return []
        here = shard_of(self._redis, slot(entries[0].room))
        return [
            waking(assistant, entries[0].room)
            for assistant in assistants
            if shard_of(self._redis, ready(assistant)) is here
        ]


@lru_cache(maxsize=ROOMS)
def _keys(room: str) -> tuple[str, ...]:
    """The keys of append.lua, but for those of runs."""
    k = RoomKeys(room)
    keys = (k.log, k.meta, k.ids, k.members, k.files, k.assistants, k.bus, k.reads)
    return (*keys, k.messages, k.deleted, k.feedback, k.seen, k.seen_before)


def _outcomes(
    entries: Sequence[Entry | Revision], answer: Any, followed: Sequence[Command]
) -> list[Appended | ProductFloError]:
    """What became of each entry, as append.lua tells it, and who was woken then."""
    results, flat = answer[: len(entries)], answer[len(entries) :]
    listening = woken = _NOBODY
    if len(flat) > 1:
        listening = frozenset(flat[i].decode() for i in range(0, len(flat) - 1, 2) if flat[i + 1] != _OFF)
    if followed:
        woken = frozenset(one for one in listening if waking(one, entries[0].room) in followed)
    outcomes = [outcome(told, one, listening, woken) for told, one in zip(results, entries, strict=True)]
    appended = [told.envelope is None for told in outcomes if isinstance(told, Appended)]
    _APPENDED.inc(fresh := sum(appended))
    _DUPLICATES.inc(len(appended) - fresh)
    return outcomes


def _told(entries: Sequence[Entry | Revision], answer: Any) -> tuple[str, bytes]:
    """The channel, and what append.lua leaves to be published there."""
    return RoomKeys(entries[0].room).bus, answer[-1]
