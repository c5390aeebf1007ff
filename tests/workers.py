"""Workers for tests: one in this process with assistants made on the spot, or real processes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from assistants.cli import open_services
from assistants.llm import ChatModel
from assistants.plugin import Assistant
from assistants.post import Pace
from assistants.registry import Ready, Registry
from assistants.worker import Worker
from productflo.settings import Settings
from productflo.store.runs import RunStore

QUICK = Pace(idle=1.0, sweep=0.3)
"""A worker that looks often, so that tests need not wait."""
QUICK_LEASE = 0.8
"""Seconds of a lease in tests: three saves may be late."""


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
