"""A worker process with short leases and an assistant that takes its time.

    python quick_worker.py <store url> [--says slow] [--without fence] [--lease 0.8] [--idle 1] [--sweep 0.3]
        [--at-once 1]

`slow` says "<question> 0", "<question> 1", ... 20 pieces in about a second; `brief` five in no time; `acts`
does so too after it has acted, which it writes to the file ACTED; `dies` takes its process with it; `asks`
says what the model at MODEL says, and tells that one which process asks.

`--without` takes a rule away that workers keep: the `fence` of the scripts; that a wake-up whose lease was
lost is left alone (`done`); that one that was left unfinished stays while somebody holds the lease, whose end
is waited for (`held`). `--at-once` is the limit of that name.
"""

import argparse
import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from workers import QUICK, QUICK_LEASE, looking_around, working

from assistants import Context, assistant
from assistants.held import HeldRooms
from assistants.limits import Limits
from assistants.llm import ChatModel
from assistants.plugin import Assistant
from assistants.post import Pace, Post
from productflo.domain.bursts import BURST
from productflo.errors import LeaseLost
from productflo.store import log, ready, runs
from productflo.store.ready import WakeUp
from productflo.store.scripts import Script, script

PIECES = 20
"""Of an answer; a brief one has a quarter of them."""
ACTED = "ACTED"
"""The environment variable that names the file of what was done."""
MODEL = "MODEL"
"""The one that names the model server."""


def act(text: str) -> None:
    """Change something that lasts."""
    with Path(os.environ[ACTED]).open("a") as file:
        file.write(f"{text}\n")


def saying(delay: float, first: str = "", pieces: int = PIECES) -> Assistant[Any]:
    """Says its pieces so many seconds apart; `first` is what it does before."""

    @assistant("echo")
    async def echo(ctx: Context) -> AsyncIterator[str]:
        if first == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        if first == "acts":
            await ctx.receipt.before_acting()
            act(ctx.text)
        for number in range(pieces):
            yield f"{ctx.text} {number} "
            await asyncio.sleep(delay)

    return echo


@assistant("echo")
async def asks(ctx: Context) -> AsyncIterator[str]:
    """Ask the model, which learns the process that asks."""
    async for piece in ctx.llm([{"role": "user", "content": f"{os.getpid()} {ctx.text}"}], model="scripted"):
        yield piece


ASSISTANTS = {
    "asks": asks,
    "slow": saying(0.05),
    "brief": saying(0.005, pieces=PIECES // 4),
    "acts": saying(0.05, "acts"),
    "dies": saying(0.05, "dies"),
}


def unfenced(name: str) -> Script:
    """A script that asks nobody whether the lease is still the caller's."""
    source = script(name).source
    source = source.replace("return redis.call('HGET', run, 'token') == token", "return true")
    return Script(source.replace("redis.call('HGET', run, 'token') ~= token", "false"))


def careless(name: str) -> Script:
    """A script that deletes a wake-up whoever has it by now."""
    return Script(script(name).source.replace("if mine.err or #mine == 0 then return 0 end", ""))


def hasty(rules: list[str]) -> None:
    """Let posts be done with wake-ups that they should leave alone."""
    deal_with: Any = Post._deal_with

    async def dealing(post: Post, room: str, wake_up: WakeUp | None) -> bool:
        try:
            served: bool = await deal_with(post, room, wake_up)
        except LeaseLost:
            if "done" not in rules:
                raise
            return True
        return served or "held" in rules

    Post._deal_with = dealing  # type: ignore[method-assign]
    if "held" in rules:
        HeldRooms.note = lambda *_: None  # type: ignore[method-assign, assignment]


async def main(url: str, says: Assistant[Any], lease: float, pace: Pace) -> None:
    """Work until killed; "at work" is said after the first sweep."""
    model = ChatModel(api_key=None, base_url=os.environ.get(MODEL))
    with looking_around(says) as around:
        async with working(url, says, model=model, burst=BURST, lease=lease, pace=pace):
            await around.wait()
            print("at work", os.getpid(), flush=True)
            await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--says", choices=ASSISTANTS, default="slow")
    parser.add_argument("--without", choices=["fence", "done", "held"], action="append", default=[])
    parser.add_argument("--lease", type=float, default=QUICK_LEASE)
    parser.add_argument("--idle", type=float, default=QUICK.idle)
    parser.add_argument("--sweep", type=float, default=QUICK.sweep)
    parser.add_argument("--at-once", type=int)
    words = parser.parse_args()
    if "fence" in words.without:
        log.script = runs.script = unfenced  # type: ignore[attr-defined, assignment]
    if "done" in words.without:
        ready.script = careless  # type: ignore[attr-defined, assignment]
    hasty(words.without)
    says = replace(ASSISTANTS[words.says], limits=Limits(at_once=words.at_once))
    asyncio.run(main(words.url, says, words.lease, Pace(idle=words.idle, sweep=words.sweep)))
