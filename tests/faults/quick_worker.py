"""A worker process with short leases and an assistant that takes its time; `unfenced` takes its fence away.

    python quick_worker.py <store url> [unfenced]

The assistant says "<question> 0", "<question> 1", ... 20 pieces in about a second.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator

from workers import working

from assistants import Context, assistant
from productflo.store import log, runs
from productflo.store.scripts import Script, script

PIECES = 20
DELAY = 0.05
"""Seconds between pieces."""


@assistant("echo")
async def echo(ctx: Context) -> AsyncIterator[str]:
    """Answer slowly enough to be killed in the middle of it."""
    for number in range(PIECES):
        yield f"{ctx.text} {number} "
        await asyncio.sleep(DELAY)


def unfenced(name: str) -> Script:
    """A script that asks nobody whether the lease is still the caller's."""
    source = script(name).source
    source = source.replace("return redis.call('HGET', run, 'token') == token", "return true")
    return Script(source.replace("redis.call('HGET', run, 'token') ~= token", "false"))


async def main(url: str) -> None:
    """Work until killed."""
    async with working(url, echo):
        print("at work", os.getpid(), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    if "unfenced" in sys.argv:
        log.script = runs.script = unfenced  # type: ignore[attr-defined, assignment]
    asyncio.run(main(sys.argv[1]))
