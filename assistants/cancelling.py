"""Ending tasks for certain."""

import asyncio
from collections.abc import Iterable

CANCEL_AGAIN = 0.2
"""Seconds until a task that was cancelled, and goes on, is cancelled again."""


async def end(tasks: Iterable[asyncio.Task[None]], seconds: float = float("inf")) -> None:
    """Cancel tasks until they have ended, at most so many seconds.

    More than once, because up to Python 3.11 `asyncio.wait_for`, in which redis-py sends, loses a
    cancellation that comes as it ends (python/cpython#86296).
    """
    loop = asyncio.get_running_loop()
    give_up = loop.time() + seconds
    pending = set(tasks)
    while pending and loop.time() < give_up:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=CANCEL_AGAIN)
