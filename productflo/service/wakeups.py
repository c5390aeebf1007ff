"""Waking assistants: a hint that a room has something new for them.

A wake-up that is lost costs time, not an answer: the rooms' logs and the assistants' cursors are the truth,
and workers sweep them. So a message does not wait for its wake-ups. Most go with the message itself (see
`store.log`), the others once per loop turn.
"""

import asyncio
from collections.abc import Iterable

from redis.exceptions import RedisError

from productflo.store.client import Client
from productflo.store.ready import waking
from productflo.store.refusals import note

EXPECTED = 10_000
"""Rooms of which it is remembered which assistants hear them: about 3 MB."""
RETRY_DELAY = 1.0
"""Seconds until wake-ups that the store did not take are tried again."""
_NOBODY: frozenset[str] = frozenset()


class Wakeups:
    """Gathers wake-ups; `run()` sends them."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis
        self._due: set[tuple[str, str]] = set()
        self._arrived = asyncio.Event()
        self._expected: dict[str, frozenset[str]] = {}

    def expected(self, room: str) -> frozenset[str]:
        """The assistants that heard the room when it was last written to, as far as that is remembered."""
        return self._expected.get(room, _NOBODY)

    def expect(self, room: str, listening: frozenset[str]) -> None:
        """Remember who hears the room; of rooms in which nothing was said for long that is forgotten."""
        self._expected.pop(room, None)
        if listening:
            self._expected[room] = listening
        if len(self._expected) > EXPECTED:
            del self._expected[next(iter(self._expected))]

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
                pipeline.execute_command(*waking(assistant, room))
            try:
                await pipeline.execute()
            except RedisError as error:
                note(error)
                self._due |= due
                self._arrived.set()
                await asyncio.sleep(RETRY_DELAY)
