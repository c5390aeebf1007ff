"""The rooms in which another worker is at it, for as long as its lease may last without it."""

import asyncio

MARGIN = 0.05
"""Seconds after the end of a lease at which it is looked for: the way of the store's answer, and its ms."""


class HeldRooms:
    """Rooms that one worker found held by another, each with the time to look again.

    A holder that lives renews its lease, or gives it back with nothing left to do; one that is dead is
    replaced at the end of its lease, and not when somebody happens to look.
    """

    def __init__(self) -> None:
        self._due: dict[str, float] = {}
        self._noted = asyncio.Event()

    def note(self, room: str, seconds: float) -> None:
        """The lease of a room ends in so many seconds, unless it is renewed."""
        self._due[room] = asyncio.get_running_loop().time() + seconds + MARGIN
        self._noted.set()

    async def next(self) -> str:
        """Wait until a lease may have ended; its room, once."""
        loop = asyncio.get_running_loop()
        while True:
            self._noted.clear()
            room = min(self._due, key=self._due.__getitem__, default=None)
            if room is not None and self._due[room] <= loop.time():
                del self._due[room]
                return room
            try:
                async with asyncio.timeout_at(None if room is None else self._due[room]):
                    await self._noted.wait()
            except TimeoutError:
                continue
