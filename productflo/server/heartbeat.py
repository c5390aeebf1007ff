"""Keeping the presence of this process's connections alive, and sweeping what died elsewhere."""

import asyncio
from dataclasses import dataclass, field
from random import random

from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from productflo.store.keys import PRESENCE_SHARDS, presence_shard
from productflo.store.presence import PresenceStore
from productflo.store.refusals import note

RETRY_DELAY = 0.5
"""Seconds until a beat that the store did not answer is tried again: leases are running out."""
BEGINNING = 32
"""First beats under way at once, of those who come: a thousand at once would take as many connections."""
SWEEP_TIMEOUT = 2.0
"""Seconds for a sweep: with the time until the next one, less than what counts as a pause."""


@dataclass(slots=True)
class Heartbeat:
    """Beats for the connections that `begin` named until `end` does.

    Each shard with connections here has a beat of its own: in a Cluster one whose node is away holds up no
    other, and the beats are spread over the interval, however many connections there are.
    """

    presence: PresenceStore
    _here: dict[int, dict[str, str]] = field(default_factory=dict)
    _begun: asyncio.Queue[int] = field(default_factory=asyncio.Queue)
    _beginning: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(BEGINNING))
    _phase: float = field(default_factory=random)

    async def begin(self, user: str, connection: str) -> None:
        """Connecting means online; where the store is away, with the first beat that it answers."""
        shard = presence_shard(user)
        if shard not in self._here:
            self._here[shard] = {}
            self._begun.put_nowait(shard)
        self._here[shard][connection] = user
        try:
            async with self._beginning:
                await self.presence.beat([(user, connection)])
        except RedisError as error:
            note(error)

    async def end(self, user: str, connection: str) -> None:
        """A connection is gone: its lease ends after the grace."""
        if self._here.get(presence_shard(user), {}).pop(connection, None) is None:
            return
        await self._end([(user, connection)])

    async def run(self) -> None:
        """Beat and sweep until cancelled; a store that is away holds the leases meanwhile."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._sweep())
            while True:
                shard = await self._begun.get()
                tasks.create_task(self._keep(shard))

    async def _keep(self, shard: int) -> None:
        """Beat for a shard until nobody of it is here."""
        here = self._here[shard]
        await asyncio.sleep(self._until_beat(shard))
        while here:
            leases = [(user, connection) for connection, user in here.items()]
            try:
                await self.presence.beat(leases)
            except RedisError as error:
                note(error)
                await asyncio.sleep(RETRY_DELAY)
                continue
            # A beat on its way when its connection ended has prolonged what had to end.
            await self._end([(user, connection) for user, connection in leases if connection not in here])
            await asyncio.sleep(self._until_beat(shard))
        del self._here[shard]

    def _until_beat(self, shard: int) -> float:
        """Seconds until the shard's next place in the interval, which differs between processes."""
        beat = self.presence.pace.beat
        place = (self._phase + shard / PRESENCE_SHARDS) * beat
        return beat - (asyncio.get_running_loop().time() - place) % beat

    async def _end(self, leases: list[tuple[str, str]]) -> None:
        try:
            await self.presence.end(leases)
        except RedisError as error:
            note(error)  # The leases end by themselves.

    async def _sweep(self) -> None:
        while True:
            try:
                # In a Cluster the shards whose node answers must not wait for one that does not.
                async with asyncio.timeout(SWEEP_TIMEOUT):
                    await self.presence.sweep()
            except RedisError as error:
                note(error)
            except TimeoutError:
                note(RedisTimeoutError("presence was not swept in time"))
            await asyncio.sleep(self.presence.pace.sweep)
