"""Waking assistants: a hint that a room has something new for them.

A wake-up that is lost costs time, not an answer: the rooms' logs and the assistants' cursors are the truth,
and workers sweep them. So a message does not wait for its wake-ups, and they go once per loop turn.
"""

import asyncio
from collections.abc import Iterable

from redis.exceptions import RedisError

from productflo.store.client import Client
from productflo.store.keys import ready
from productflo.store.refusals import note

RETRY_DELAY = 1.0
"""Seconds until wake-ups that the store did not take are tried again."""

KEPT = 10_000
"""Wake-ups that an assistant's stream keeps where no worker reads it; its sweep finds the rest."""


class Wakeups:
    """Gathers wake-ups; `run()` sends them."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis
        self._due: set[tuple[str, str]] = set()
        self._arrived = asyncio.Event()

    def wake(self, assistants: Iterable[str], room: str) -> None:
        """Tell the assistants' workers to look at a room."""
        self._due.update((assistant, room) for assistant in assistants)
        self._arrived.set()

    async def run(self) -> None:
        """Send what is due, until cancelled."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            due, self._due = self._due, set()
            pipeline = self._redis.pipeline(transaction=False)
            for assistant, room in due:
                pipeline.xadd(ready(assistant), {"room": room}, maxlen=KEPT, approximate=True)
            try:
                await pipeline.execute()
            except RedisError as error:
                note(error)
                self._due |= due
                self._arrived.set()
                await asyncio.sleep(RETRY_DELAY)
