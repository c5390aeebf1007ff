"""How much of a room is kept, and forgetting where nobody writes any more."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass

from redis.exceptions import RedisError

from productflo.store.client import Client, Cluster, look_again
from productflo.store.keys import RETENTION_SWEEP, RoomKeys
from productflo.store.refusals import note
from productflo.store.reply import text
from productflo.store.scripts import script

log = logging.getLogger(__name__)

DAY_MS = 86_400_000
EVERY = 3600.0
"""Seconds between sweeps: a day's retention is then kept to within 4 %."""
LOOK = EVERY / 6
"""Seconds between looks at whether a sweep is due: whichever process looks first does it."""
AT_ONCE = 500
"""Events that one call forgets: some 3 ms of the store."""
SCANNED = 500
"""Keys that one SCAN looks at: below a millisecond."""


@dataclass(frozen=True, slots=True)
class Retention:
    """The limits of a room's log; 0 is no limit.

    `events` counts durable events: messages, and what was done to them. `days` is their age. `size` is in
    bytes of their envelopes, as they went over the wire. Whichever is reached first counts.
    """

    events: int = 0
    days: float = 0
    size: int = 0

    def arguments(self) -> tuple[int, int, int]:
        """As the scripts take them: events, milliseconds, bytes."""
        return self.events, round(self.days * DAY_MS), self.size


@dataclass(frozen=True, slots=True)
class Sweep:
    """Applies the limits to the rooms that nobody writes to; an append does it to its own room.

    The rooms are found by SCAN: it costs the store a little once an hour, and no index can miss one.
    """

    client: Client
    retention: Retention
    every: float = EVERY
    look: float = LOOK

    async def run(self) -> None:
        """Sweep until cancelled; of all processes on a store one at a time. A store that is away waits."""
        while True:
            try:
                if await self.client.set(RETENTION_SWEEP, 1, nx=True, px=round(self.every * 1000)) and (
                    forgotten := await self.sweep()
                ):
                    log.info("%d events of quiet rooms were forgotten", forgotten)
            except RedisError as error:
                note(error)
            await asyncio.sleep(self.look)

    async def sweep(self) -> int:
        """Look at every room once; how many events were forgotten. Raises what redis-py raises."""
        await look_again(self.client)
        total = 0
        async for room in self._rooms():
            total += await self.trim(room)
        return total

    async def trim(self, room: str) -> int:
        """Apply the limits to a room; how many events were forgotten."""
        k = RoomKeys(room)
        keys = [k.log, k.meta, k.ids, k.messages, k.deleted, k.feedback, k.files, k.seen, k.seen_before]
        total = 0
        while True:
            gone: int = await script("trim")(self.client, keys, [*self.retention.arguments(), AT_ONCE])
            total += gone
            if gone < AT_ONCE:
                return total

    async def _rooms(self) -> AsyncIterator[str]:
        """Every room that has a log; one may come twice."""
        for shard in self.client.shards() if isinstance(self.client, Cluster) else [self.client]:
            async for key in shard.scan_iter(match=RoomKeys("*").log, count=SCANNED, _type="stream"):
                yield text(key).removeprefix("{").removesuffix("}:log")
