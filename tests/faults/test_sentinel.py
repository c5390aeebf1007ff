"""The server on a master that three sentinels watch: another takes over when it dies."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from chatting import web_process
from faults.traffic import talking
from topologies import Watched, sentinels


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    async with sentinels(tmp_path) as watched:
        yield watched


async def test_another_master_takes_over(watched: Watched, tmp_path: Path) -> None:
    """Nobody is disconnected, and everything goes on by itself on the new one."""
    env = {
        "REDIS_URL": watched.url,
        "PRODUCTFLO_DURABILITY": "replicated",
        "PRODUCTFLO_DEFAULT_ASSISTANTS": ",",
    }
    async with web_process(tmp_path / "web", **env) as server, talking(server) as traffic:
        await traffic.goes_on()
        dead = await watched.master()
        await dead.kill()
        await watched.failed_over(dead)
        await traffic.goes_on()
        assert await traffic.problems() == []
        assert {one.connections for one in traffic.people} == {1}
