"""Telling the operator that the store is away: a line when it goes and one when it is back, for each process.

Everything that waits for the store finds out by itself, a thousand connections at once, and goes on by
itself. None of that is news; that it happens is.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from redis.exceptions import RedisError

from productflo import metrics
from productflo.store.client import Client

log = logging.getLogger(__name__)

AGAIN = 0.5
"""Seconds between looks whether the store is back."""
QUIET = 2.0
"""Seconds without an error until it counts as back: one that refuses writes only, answers all the while."""


class Outage:
    """What this process knows of the store's being there. `now` gives seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._since: float | None = None
        self._last = 0.0
        self._begun: asyncio.Event | None = None

    def noticed(self, error: Exception) -> None:
        """Something has to wait, or was refused, because of this."""
        self._last = self._now()
        if self._since is None:
            self._since = self._last
            metrics.STORE_AWAY.inc()
            log.warning("The store is away: %s", error)
            if self._begun is not None:
                self._begun.set()

    async def watch(self, redis: Client) -> None:
        """Tell when it is back, until cancelled."""
        self._begun = asyncio.Event()
        if self._since is not None:
            self._begun.set()
        while True:
            await self._begun.wait()
            self._begun.clear()
            await self._end(redis)

    async def _end(self, redis: Client) -> None:
        while self._since is not None:
            await asyncio.sleep(AGAIN)
            quiet = self._now() - self._last >= QUIET
            if quiet and await _answers(redis) and self._since is not None:  # Else another watch has told.
                log.warning("The store is back after %.0f s", self._now() - self._since)
                self._since = None


async def _answers(redis: Client) -> bool:
    try:
        await redis.ping()
    except (RedisError, OSError):
        return False
    return True


OUTAGE = Outage()
"""This process's: it concerns the log, which is the process's as well."""
