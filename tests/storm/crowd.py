"""A crowd that loses all its connections in one moment, and comes back at once."""

import asyncio
import time

from storm.habits import Habits
from storm.load import Load

ROOMS = 10
HABITS = Habits(pause=10.0, tick=0.5, leaves=0.0, back_off=0.2)
"""They mostly listen: what is on trial is that all of them resume."""
BATCH = 50
"""Of the crowd that comes at a time, before it is a crowd: connecting costs both sides."""


async def reconnect_at_once(load: Load, tasks: asyncio.TaskGroup, size: int) -> str:
    """Return how long it took until everybody had resumed; what they missed meanwhile is the checker's."""
    crowd = []
    for number in range(size):
        room = f"crowd{number % ROOMS}"
        speaks = number < ROOMS
        habits = HABITS if not speaks else Habits(pause=1.0, leaves=0.0)
        crowd.append(load.enter(f"crowd{number}", [room], habits, tasks, speaks=speaks))
        if number % BATCH == 0:
            await load.changes.until(lambda: all(one.present for one in crowd[:-BATCH]))
    await load.changes.until(lambda: all(one.present for one in crowd))
    for one in crowd:
        one.drop()
    begun = time.monotonic()
    await load.changes.until(lambda: all(one.connections >= 2 and one.present for one in crowd))
    seconds = time.monotonic() - begun
    return f"Reconnect storm: {size} clients at once; the last had resumed after {seconds:.1f} s"
