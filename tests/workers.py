"""Workers for tests: one in this process with assistants made on the spot, or real processes."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from assistants.llm import ChatModel
from assistants.plugin import Assistant
from assistants.post import Pace, Post
from assistants.registry import Ready, Registry
from assistants.running import open_services
from assistants.worker import Worker
from productflo.settings import Settings
from productflo.store.runs import RunStore

QUICK = Pace(idle=1.0, sweep=0.3)
"""A worker that looks often, so that tests need not wait."""
WOKEN = Pace(idle=600, sweep=600)
"""One that looks at nothing but what wakes it."""
QUICK_LEASE = 0.8
"""Seconds of a lease in tests: three saves may be late."""


@contextmanager
def looking_around(*assistants: Assistant[Any]) -> Iterator[asyncio.Event]:
    """The event is set when the posts of a worker that begins in the block have swept once.

    A worker is at work before that: its first sweep would find what is asked meanwhile, and not the wake-up.
    """
    around, swept, sweep = asyncio.Event(), set[str](), Post.sweep

    async def sweeping(post: Post) -> None:
        await sweep(post)
        swept.add(post.assistant)
        if swept.issuperset(one.id for one in assistants):
            around.set()

    Post.sweep = sweeping  # type: ignore[method-assign]
    try:
        yield around
    finally:
        Post.sweep = sweep  # type: ignore[method-assign]


@asynccontextmanager
async def woken(store_url: str, *assistants: Assistant[Any], burst: float = 0.0) -> AsyncIterator[Worker]:
    """A worker that hears of rooms by wake-ups alone."""
    with looking_around(*assistants) as around:
        async with working(store_url, *assistants, pace=WOKEN, burst=burst) as worker:
            await around.wait()
            yield worker


@asynccontextmanager
async def working(
    store_url: str,
    *assistants: Assistant[Any],
    model: ChatModel | None = None,
    settings: BaseModel | None = None,
    pace: Pace = QUICK,
    lease: float = QUICK_LEASE,
    burst: float = 0.0,
    data: Path | None = None,
) -> AsyncIterator[Worker]:
    """A worker with these assistants, at work; stopped at the end as SIGTERM stops it.

    Each message is a question of its own, unless `burst` says otherwise. `data` is the folder that uploads
    are in, where a test has some.
    """
    registry = Registry({one.id: Ready(one, settings or one.settings()) for one in assistants}, {})
    model = model or ChatModel(api_key=None, base_url=None)
    configured = Settings(redis_url=store_url)
    if data is not None:
        configured = configured.model_copy(update={"data_dir": data})
    async with open_services(configured, model) as services:
        services = replace(services, runs=RunStore(services.rooms.redis, lease=lease), burst=burst)
        worker = Worker(services, registry, pace)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(worker.run())
            try:
                await worker.ready.wait()
                yield worker
            finally:
                worker.stop()
