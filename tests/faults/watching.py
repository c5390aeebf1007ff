"""What the kernel knows of a server: its memory, and its sockets."""

import asyncio
import os
from collections.abc import Callable

from chatting import PATIENCE_SECONDS

LOOK_SECONDS = 0.05  # Between two looks at a process.


def memory(pid: int) -> int:
    """Bytes of memory that a process has."""
    with open(f"/proc/{pid}/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def connections(port: int) -> int:
    """How many connections to a port a process still has; what only the kernel winds up has no inode."""
    with open("/proc/net/tcp") as table:
        rows = [line.split() for line in table.readlines()[1:]]
    mine = [row for row in rows if int(row[1].split(":")[1], 16) == port]
    return sum(state != "0A" and inode != "0" for state, inode in ((row[3], row[9]) for row in mine))


async def until(holds: Callable[[], bool]) -> None:
    """Return when something that tells nobody holds."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not holds():  # noqa: ASYNC110 - the kernel and Hypercorn set no event of ours
            await asyncio.sleep(LOOK_SECONDS)
