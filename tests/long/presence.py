"""Presence at its real pace: three web processes, 200 people, and what design.md promises of them.

    PYTHONPATH=.:tests .venv/bin/python tests/long/presence.py     (about four minutes)

It prints a line for each fault, and ends with an error at the first promise that does not hold.
"""

import asyncio
import tempfile
import time
from collections import Counter
from pathlib import Path

from faults.attendees import TELLING, Attendance, attending
from faults.deployment import paused
from processes import holder, kill

from productflo.store.embedded import EmbeddedStore
from productflo.store.presence import USUAL_PACE

PEOPLE = 200
MOST = USUAL_PACE.lease + USUAL_PACE.grace + TELLING
Told = Counter[tuple[str, str]]


async def main() -> None:
    """Every fault once, with the same people."""
    with tempfile.TemporaryDirectory() as data_dir:
        async with (
            EmbeddedStore(Path(data_dir), "tests/long/presence.py") as store,
            attending(store.url, Path(data_dir), PEOPLE, 1.0) as attendance,
        ):
            valkey = holder(Path(data_dir)).server
            assert valkey is not None
            first = attendance.webs[0].pid
            for pid, name, seconds in ((valkey, "store", 8), (valkey, "store", 60), (first, "process", 8)):
                told = await stopped(attendance, pid, seconds)
                assert not told, told
                print(f"{name} stopped for {seconds} s: nobody was told of anything", flush=True)
            await stopped_for_long(attendance, first)
            await killed(attendance, first)


async def stopped(attendance: Attendance, pid: int, seconds: float) -> Told:
    """What the watchers on the other processes are told, from the stop until everything has to be settled."""
    began = time.monotonic()
    with paused(pid):
        await asyncio.sleep(seconds)
    await asyncio.sleep(MOST)
    return attendance.watchers[1].since(began) + attendance.watchers[2].since(began)


async def stopped_for_long(attendance: Attendance, pid: int) -> None:
    """A process stands still for longer than its leases: its own people go, once, and come back, once."""
    told = await stopped(attendance, pid, 40)
    gone = [*attendance.only[0], "watcher_0"]
    assert told == Counter({(user, status): 2 for user in gone for status in ("offline", "online")}), told
    print(f"process stopped for 40 s: {len(gone)} people offline once and back once, nobody else", flush=True)


async def killed(attendance: Attendance, pid: int) -> None:
    """A process dies: its own people go, once, in time, and nobody else does."""
    began = time.monotonic()
    kill(pid)
    gone = [*attendance.only[0], "watcher_0"]
    last = max([await watcher.until(began, gone, "offline", MOST) for watcher in attendance.watchers[1:]])
    await asyncio.sleep(MOST)
    for watcher in attendance.watchers[1:]:
        assert watcher.since(began) == Counter({(user, "offline"): 1 for user in gone})
    print(
        f"process killed: {len(gone)} people offline once, the last after {last:.1f} s "
        f"(promised: {MOST:.0f} s), nobody else",
        flush=True,
    )


if __name__ == "__main__":
    asyncio.run(main())
