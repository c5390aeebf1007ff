"""How many rooms an assistant is answered in at the same time: over all workers, where a limit says so.

A slot is had before a wake-up is taken, so that no answer waits for it: the one worker that has a slot to
spare listens with it, the others ask for one a few times a second.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from productflo.errors import ProductFloError
from productflo.store.refusals import note
from productflo.store.slots import SlotStore

OF_A_WORKER = 32
"""Slots of a worker where no limit is set: more answers than one process writes without falling behind."""
ASK = 0.25
"""Seconds between questions for a slot while others have them all: what an answer that waits may lose."""
RENEWALS = 3
"""Renewals within a lease: two may be late."""
LAST_WORD = 1.0
"""Seconds to tell the store that no slot is used any more; after them the lease ends by itself."""


class Slots:
    """The slots of one assistant in one worker. `most` is the limit over all workers as it is now, or None.

    What goes on keeps its slot when the limit is lowered, and when the lease could not be renewed in time: a
    worker that stood still, or lost the store for a lease, may answer in as many rooms beside the others'.
    """

    def __init__(self, store: SlotStore, assistant: str, worker: str, most: Callable[[], int | None]) -> None:
        self._store = store
        self._assistant = assistant
        self._name = f"{worker}.{secrets.token_hex(2)}"  # Two posts for one assistant may follow each other.
        self._most = most
        self._used = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._changed = asyncio.Event()
        self._closed = False

    async def take(self) -> None:
        """Have a slot, in the order of asking; `run` gives it."""
        slot: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(slot)
        self._changed.set()
        try:
            await slot
        except asyncio.CancelledError:
            if not slot.cancelled():
                self.give_back()
            raise

    def give_back(self) -> None:
        """Use a slot no longer."""
        self._used -= 1
        self._changed.set()

    def look_again(self) -> None:
        """The limit has changed."""
        self._changed.set()

    def close(self) -> None:
        """Nobody takes a slot any more: `run` returns when the last has been given back."""
        self._closed = True
        self._changed.set()

    async def run(self) -> None:
        """Give slots, and keep them while they are used, until `close`."""
        while self._used or not self._closed:
            self._changed.clear()
            pause = await self._look()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._changed.wait()
        if self._most() is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_WORD):
                    await self._look()

    async def _look(self) -> float | None:
        """Give what slots there are; the seconds until it must be looked again, None for not by itself."""
        while self._waiting and self._waiting[0].done():
            self._waiting.popleft()
        most = self._most()
        wished = self._used + sum(not slot.done() for slot in self._waiting)
        if most is None:
            self._give(OF_A_WORKER)
            return None
        try:
            held = await self._store.hold(
                self._assistant, self._name, used=self._used, wished=wished, most=most
            )
        except ProductFloError as error:
            note(error)
            return ASK
        self._give(held)
        return ASK if self._waiting else self._store.lease / RENEWALS

    def _give(self, count: int) -> None:
        """Give slots to those who wait, until so many are used."""
        while self._waiting and self._used < count:
            slot = self._waiting.popleft()
            if not slot.done():
                self._used += 1
                slot.set_result(None)
