"""Keeping the presence of this process's connections alive, and sweeping what died elsewhere."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from random import random

from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from productflo.store.keys import PRESENCE_SHARDS, presence_shard
from productflo.store.presence import PresenceStore
from productflo.store.refusals import note

STEPS = 8
"""Parts of the interval over which the beats are spread: 10,000 connections beat 1,250 at a time."""
TIMEOUT = 3.0
"""Seconds for a call: less than what counts as a pause, and enough for five tries within a lease.

In a Cluster a call reaches the nodes that answer at once, and must not wait longer for one that does not.
While a call waits there is no other: a store that had stood still found the abandoned tries of 64 calls from
each process, took them up slowly, and the new ones behind them gave up in their turn, for 45 s (measured)."""


@dataclass(slots=True)
class Heartbeat:
    """Beats for the connections that `begin` named until `end` does.

    Each shard of presence has its place in the interval, another one in each process.
    """

    presence: PresenceStore
    _here: dict[int, dict[str, str]] = field(default_factory=dict)
    _due: set[int] = field(default_factory=set)
    _phase: float = field(default_factory=random)

    async def begin(self, user: str, connection: str) -> None:
        """Connecting means online; where the store is away, with the first beat that it answers."""
        self._here.setdefault(presence_shard(user), {})[connection] = user
        if not await _answered(self.presence.begin(user, connection)):
            self._due.add(presence_shard(user))

    async def end(self, user: str, connection: str) -> None:
        """A connection is gone: its lease ends after the grace."""
        here = self._here.get(presence_shard(user), {})
        if here.pop(connection, None) is None:
            return
        if not here:
            del self._here[presence_shard(user)]
        await _answered(self.presence.end([(user, connection)]))  # Else the lease ends by itself.

    async def run(self) -> None:
        """Beat and sweep until cancelled; a store that is away holds the leases meanwhile."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._beat())
            tasks.create_task(self._sweep())

    async def _beat(self) -> None:
        """Beat for the shards whose place has come, and for those whose beat the store did not answer."""
        loop, beat = asyncio.get_running_loop(), self.presence.pace.beat
        since = loop.time()
        while True:
            await asyncio.sleep(beat / STEPS)
            now = loop.time()
            self._due |= {
                shard for shard in self._here if self._turns(shard, now) > self._turns(shard, since)
            }
            since, due = now, self._due & self._here.keys()
            leases = [(user, connection) for shard in due for connection, user in self._here[shard].items()]
            self._due = set()
            if await _answered(self.presence.beat(leases)):
                # A beat on its way when its connection ended has prolonged what had to end.
                await _answered(self.presence.end([one for one in leases if not self._has(*one)]))
            else:
                self._due |= due

    def _turns(self, shard: int, now: float) -> int:
        """How often the shard's place has come."""
        return int(now / self.presence.pace.beat - self._phase - shard / PRESENCE_SHARDS)

    def _has(self, user: str, connection: str) -> bool:
        return connection in self._here.get(presence_shard(user), {})

    async def _sweep(self) -> None:
        while True:
            await _answered(self.presence.sweep())
            await asyncio.sleep(self.presence.pace.sweep)


async def _answered(call: Awaitable[None]) -> bool:
    """Whether the store answered in time."""
    try:
        async with asyncio.timeout(TIMEOUT):
            await call
    except RedisError as error:
        note(error)
        return False
    except TimeoutError:
        note(RedisTimeoutError("presence was not answered in time"))
        return False
    return True
