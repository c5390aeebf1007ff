"""Waiting for what clients note."""

import asyncio
from collections.abc import Callable


class Changes:
    """Lets others wait until something holds of what clients note."""

    def __init__(self, patience: float) -> None:
        self.patience = patience
        self._waiting: set[asyncio.Event] = set()

    def note(self) -> None:
        """Something has changed."""
        for one in self._waiting:
            one.set()

    async def until(self, holds: Callable[[], bool], seconds: float | None = None) -> None:
        """Return when it holds. Raises `TimeoutError` after so many seconds, else after the patience."""
        changed = asyncio.Event()
        self._waiting.add(changed)
        try:
            async with asyncio.timeout(seconds or self.patience):
                while not holds():
                    changed.clear()
                    await changed.wait()
        finally:
            self._waiting.discard(changed)
