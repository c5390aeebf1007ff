"""An assistant's stream of wake-ups, read by all its workers as one consumer group.

A wake-up says only where to look. It is deleted when the room was dealt with; one whose worker died is
claimed by another after `idle` seconds. One that is lost altogether is made good by the workers' sweep.
"""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

from redis.exceptions import RedisError, ResponseError

from productflo.store.client import Client
from productflo.store.connect import SOCKET_TIMEOUT
from productflo.store.exchange import Command
from productflo.store.keys import ready
from productflo.store.refusals import told
from productflo.store.reply import text
from productflo.store.runs import LEASE
from productflo.store.scripts import script

GROUP = "workers"
"""The consumer group."""
IDLE = LEASE * 2 / 3
"""Seconds after which a wake-up that nobody finished is another worker's: with the time between looks no more
than a lease, so that a dead worker's room is known when its lease ends."""
BLOCK = SOCKET_TIMEOUT / 2
"""Seconds that a read waits: less than the time after which the connection counts as broken."""
LEFT = 1000
"""Unfinished wake-ups that a leaving worker puts back; far more than it can have."""
KEPT = 10_000
"""Wake-ups that an assistant's stream keeps where no worker reads it; its sweep finds the rest."""
FORGOTTEN = 3600.0
"""Seconds after which the name of a worker that is gone is removed from the group."""


@dataclass(frozen=True, slots=True)
class WakeUp:
    """Look at `room`. `reclaimed` tells that another worker had it before and did not finish."""

    entry: str
    room: str
    reclaimed: bool


def waking(assistant: str, room: str) -> Command:
    """The command that wakes an assistant's workers to look at a room."""
    return "XADD", ready(assistant), "MAXLEN", "~", KEPT, "*", "room", room


@dataclass(frozen=True, slots=True)
class ReadyStream:
    """One worker's view of an assistant's wake-ups. Methods raise `StoreAway`."""

    redis: Client
    assistant: str
    worker: str
    idle: float = IDLE

    async def open(self) -> None:
        """Make the consumer group, unless it is there; wake-ups from before it count."""
        try:
            await self.redis.xgroup_create(self._key, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise told(error) from error
        except RedisError as error:
            raise told(error) from error

    async def next(self) -> WakeUp | None:
        """The next new wake-up; None where none came for a while."""
        entries = _entries(
            await self._try(
                self.redis.xreadgroup(
                    GROUP, self.worker, {self._key: ">"}, count=1, block=_ms(min(BLOCK, self.idle / 4))
                )
            )
        )
        return _wake_up(entries[0], reclaimed=False) if entries else None

    async def reclaim(self) -> WakeUp | None:
        """A wake-up that another worker left unfinished, if there is one."""
        found = await self._try(
            self.redis.xautoclaim(self._key, GROUP, self.worker, _ms(self.idle), "0-0", count=1)
        )
        entries = found[1] if found else []
        return _wake_up(entries[0], reclaimed=True) if entries else None

    async def keep(self, wake_up: WakeUp) -> None:
        """The worker is still at it. Only under the lease: else it takes what is another's by now."""
        await self._try(self.redis.xclaim(self._key, GROUP, self.worker, 0, [wake_up.entry], justid=True))

    async def done(self, wake_up: WakeUp) -> None:
        """The room was dealt with; nothing where another worker has taken the wake-up: it looks by itself."""
        try:
            await script("ready_done")(self.redis, [self._key], [GROUP, self.worker, wake_up.entry])
        except RedisError as error:
            raise told(error) from error

    async def wake(self, room: str) -> None:
        """Tell the workers to look at a room."""
        try:
            await self.redis.xadd(self._key, {"room": room})
        except RedisError as error:
            raise told(error) from error

    async def leave(self) -> None:
        """Leave the group; what this worker took and did not finish is there for the others at once."""
        try:
            pending = await self.redis.xpending_range(
                self._key, GROUP, min="-", max="+", count=LEFT, consumername=self.worker
            )
            for one in pending:
                entry_id = one["message_id"]
                for entry in await self.redis.xrange(self._key, entry_id, entry_id) or ():
                    left = _wake_up(entry, reclaimed=False)
                    if left:
                        await self.wake(left.room)
                        await self.done(left)
            await self.redis.xgroup_delconsumer(self._key, GROUP, self.worker)
        except RedisError as error:
            raise told(error) from error

    async def forget_the_gone(self) -> None:
        """Remove the names of workers that have long gone and left nothing unfinished."""
        try:
            for one in await self.redis.xinfo_consumers(self._key, GROUP):
                if not one["pending"] and one["idle"] > _ms(FORGOTTEN):
                    await self.redis.xgroup_delconsumer(self._key, GROUP, text(one["name"]))
        except ResponseError as error:
            if not str(error).startswith(("no such key", "NOGROUP")):  # Nobody has listened yet.
                raise told(error) from error
        except RedisError as error:
            raise told(error) from error

    @property
    def _key(self) -> str:
        return ready(self.assistant)

    async def _try(self, command: Awaitable[Any]) -> Any:
        """A command of the group; None where the store was wiped meanwhile and the group is made again."""
        try:
            return await command
        except ResponseError as error:
            if not str(error).startswith("NOGROUP"):
                raise told(error) from error
            await self.open()
            return None
        except RedisError as error:
            raise told(error) from error


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _entries(found: Any) -> list[Any]:
    """The entries of an answer to XREADGROUP about one stream: in RESP3 a map of lists, in RESP2 pairs."""
    if isinstance(found, dict):
        return [entry for lists in found.values() for entries in lists for entry in entries]
    return [entry for _, entries in found or () for entry in entries]


def _wake_up(entry: Any, *, reclaimed: bool) -> WakeUp | None:
    """The wake-up of an entry; None for one that was deleted while it waited."""
    entry_id, fields = entry
    return WakeUp(text(entry_id), text(fields[b"room"]), reclaimed) if fields else None
