"""A process's eye on its store: what its settings mean, when it begins, and how full it is, all the time."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from redis.asyncio import Redis
from redis.exceptions import RedisError

from productflo.store.client import Client, Cluster
from productflo.store.inspection import Finding, Weight, Wish, inspect
from productflo.store.valkey import StoreFailed

log = logging.getLogger(__name__)

LOOK = 30.0
"""Seconds between looks at the store's memory."""
RETRY_DELAY = 1.0
"""Seconds between tries to reach the store at the start."""
FULL = 0.8
"""Of the memory limit: what is left is time to act in."""
EASED = 0.75
"""Below it the warning is over, so that a store that hovers about the mark does not repeat it."""


class StoreUnfit(StoreFailed):
    """The store's settings break what this server promises; the text says which, and what to set."""


def report(findings: Sequence[Finding]) -> None:
    """Write findings into the log. Raises `StoreUnfit` where one makes a promise void."""
    for one in findings:
        log.log(logging.INFO if one.weight is Weight.GOOD else logging.WARNING, "%s", one.text)
    void = [one.text for one in findings if one.weight is Weight.VOID]
    if void:
        raise StoreUnfit(" ".join(void))


@dataclass(slots=True)
class StoreWatch:
    """Runs with a process."""

    redis: Client
    wish: Wish
    look: float = LOOK
    _full: set[Redis] = field(default_factory=set)

    async def run(self) -> None:
        """Look until cancelled. Raises `StoreUnfit` at the start."""
        report(await self._inspected())
        while True:
            try:
                await self.look_at_memory()
            except RedisError as error:
                log.debug("The store's memory is looked at later: %s", error)
            await asyncio.sleep(self.look)

    async def _inspected(self) -> list[Finding]:
        while True:
            try:
                return await inspect(self.redis, self.wish)
            except RedisError as error:
                log.debug("The store is inspected later: %s", error)
                await asyncio.sleep(RETRY_DELAY)

    async def look_at_memory(self) -> None:
        """Warn once when a shard is nearly full, and say once when it no longer is."""
        for shard in self.redis.shards() if isinstance(self.redis, Cluster) else [self.redis]:
            memory = await shard.info("memory")
            limit = memory.get("maxmemory", 0)
            share = memory["used_memory"] / limit if limit else 0.0
            if share >= FULL and shard not in self._full:
                self._full.add(shard)
                log.warning(
                    "The store is %.0f %% full (%d of %d MB). When it is full, messages are refused: raise "
                    "maxmemory, or keep less (PRODUCTFLO_RETENTION_MESSAGES).",
                    share * 100,
                    memory["used_memory"] / 1e6,
                    limit / 1e6,
                )
            elif share < EASED and shard in self._full:
                self._full.discard(shard)
                log.warning("The store has memory again: %.0f %% used.", share * 100)
