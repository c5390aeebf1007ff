"""A worker process whose Anna has nothing to say, and whose Bert has.

    python silent_worker.py <store url> [--dies before|after]

It kills itself just before, or just after, Anna's silence passes the question on.
"""

import argparse
import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence

from workers import looking_around, working

from assistants import Context, assistant
from productflo.store.asked import Silence
from productflo.store.runs import Lease, RunStore


@assistant("anna")
async def anna(ctx: Context) -> AsyncIterator[str]:
    """Listen, and say nothing."""
    print("anna is asked", ctx.text, flush=True)
    for nothing in ():
        yield nothing


@assistant("bert")
async def bert(ctx: Context) -> AsyncIterator[str]:
    """Answer."""
    print("bert is asked", ctx.text, flush=True)
    yield f"bert: {ctx.text}"


def dying(when: str) -> None:
    """End the process when a question is passed on."""
    pass_on = RunStore.pass_on

    async def passing(
        store: RunStore, lease: Lease, silence: Silence, listeners: Sequence[str]
    ) -> str | None:
        if when == "after":
            await pass_on(store, lease, silence, listeners)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("killed")

    RunStore.pass_on = passing  # type: ignore[method-assign]


async def main(url: str) -> None:
    """Work until killed; "at work" is said after the first sweep."""
    with looking_around(anna, bert) as around:
        async with working(url, anna, bert):
            await around.wait()
            print("at work", flush=True)
            await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--dies", choices=["before", "after"])
    words = parser.parse_args()
    if words.dies:
        dying(words.dies)
    asyncio.run(main(words.url))
