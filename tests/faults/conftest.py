"""A deployment that outlives the tests which share it."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import count

import pytest
from storm.deployment import Deployment, deployed
from storm.network import Loopback


@dataclass(frozen=True, slots=True)
class World:
    """Two web servers over a store; each story told about them has a room of its own.

    They live in a loop of their own, because hypothesis calls what is no coroutine.
    """

    runner: asyncio.Runner
    deployment: Deployment
    stories: "count[int]" = field(default_factory=count)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Processes that are killed and stopped, and start again."""
    folder = tmp_path_factory.mktemp("world")
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        try:
            deploying = deployed(folder, Loopback(), seed=0, webs=2)
            yield World(runner, runner.run(stack.enter_async_context(deploying)))
        finally:
            runner.run(stack.aclose())
