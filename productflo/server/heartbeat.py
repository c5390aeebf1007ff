"""Keeping the presence of this process's connections alive, and sweeping what died elsewhere."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from redis.exceptions import RedisError

from productflo.server.hub import Hub
from productflo.store.presence import BEAT, SWEEP, PresenceStore

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Beats for all connections of the hub; waits for a store that is away, which then holds the leases."""

    hub: Hub
    presence: PresenceStore

    async def run(self) -> None:
        """Beat and sweep until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_every(BEAT, self._beat))
            tasks.create_task(_every(SWEEP, self.presence.sweep))

    async def _beat(self) -> None:
        await self.presence.beat((user, connection) for connection, user in list(self.hub.users.items()))


async def _every(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    failing = False
    while True:
        try:
            await work()
            failing = False
        except RedisError as error:
            if not failing:
                log.warning("Presence waits for the store: %s", error)
            failing = True
        await asyncio.sleep(seconds)
