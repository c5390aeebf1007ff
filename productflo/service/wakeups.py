"""Waking assistants: a hint that a room has something new for them.

A wake-up that is lost costs time, not an answer: the rooms' logs and the assistants' cursors are the truth,
and workers sweep them. So a message does not wait for its wake-ups, and they go once per loop turn.
"""

import asyncio
from collections.abc import Iterable, Mapping

from redis.exceptions import RedisError

from productflo.store.client import Client
from productflo.store.keys import ready
from productflo.store.refusals import note
from productflo.store.scripts import Call, script

RETRY_DELAY = 1.0
"""Seconds until wake-ups that the store did not take are tried again."""

KEPT = 10_000
"""Wake-ups that an assistant's stream keeps where no worker reads it; its sweep finds the rest."""


AT_ONCE = 500
"""Rooms that one call names: about a millisecond of the store."""


class Wakeups:
    """Gathers wake-ups; `run()` sends them."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis
        self._due: dict[str, set[str]] = {}
        self._arrived = asyncio.Event()

    def wake(self, assistants: Iterable[str], room: str) -> None:
        """Tell the assistants' workers to look at a room."""
        for assistant in assistants:
            self._due.setdefault(assistant, set()).add(room)
            self._arrived.set()

    async def run(self) -> None:
        """Send what is due, until cancelled."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            due, self._due = self._due, {}
            if refused := await self._send(due):
                note(refused)
                for assistant, rooms in due.items():
                    self._due.setdefault(assistant, set()).update(rooms)
                self._arrived.set()
                await asyncio.sleep(RETRY_DELAY)

    async def _send(self, due: Mapping[str, set[str]]) -> RedisError | None:
        """Why some of them were not taken, or None."""
        calls: list[Call] = []
        for assistant, rooms in due.items():
            named = list(rooms)
            calls += [
                ([ready(assistant)], [KEPT, *named[at : at + AT_ONCE]])
                for at in range(0, len(named), AT_ONCE)
            ]
        try:
            results = await script("wake").everywhere(self._redis, calls)
        except RedisError as error:
            return error
        return next((one for one in results if isinstance(one, RedisError)), None)
