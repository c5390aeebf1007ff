"""A loop whose clock leaps to the next timer as soon as there is nothing else to do."""

import asyncio
import selectors
from typing import Any


class _Leaping(selectors.DefaultSelector):
    """Waits for no time: the waits that it was asked for are added up in `leapt`, in seconds."""

    leapt = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        """What is ready now."""
        if timeout is None:
            raise AssertionError("everybody waits, and nobody for a time")
        self.leapt += timeout
        return super().select(0)


class LeapingLoop(asyncio.SelectorEventLoop):
    """Only for what asks nothing of a socket or another thread: hours pass in a moment, and always alike."""

    def __init__(self) -> None:
        self._leaping = _Leaping()
        super().__init__(self._leaping)

    def time(self) -> float:
        """Seconds since the beginning; no others pass."""
        return self._leaping.leapt
