"""Processes killed or standing still in the midst of traffic: nothing acknowledged is lost or doubled."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from faults.deployment import Deployment, deployed
from faults.traffic import talking

Fault = Callable[[Deployment], Awaitable[None]]


@pytest.mark.parametrize(
    "fault",
    [Deployment.kill_web, Deployment.kill_store, Deployment.pause_web, Deployment.pause_store],
    ids=lambda fault: fault.__name__,
)
async def test_traffic_survives(tmp_path: Path, fault: Fault) -> None:
    """Twice in the midst of traffic: logs without a hole, each message once, every reader on where it was."""
    async with deployed(tmp_path) as deployment, talking(deployment.server) as traffic:
        for _ in range(2):
            await traffic.goes_on()
            await fault(deployment)
        await traffic.goes_on()
        assert await traffic.problems() == []
        assert [one.gaps for one in traffic.people if one.gaps] == []


async def test_everything_dies_at_once(tmp_path: Path) -> None:
    """Web process and Valkey killed in one moment, as when the machine loses its power."""
    async with deployed(tmp_path) as deployment, talking(deployment.server) as traffic:
        await traffic.goes_on()
        await deployment.kill_store()
        await deployment.kill_web()
        await traffic.goes_on()
        assert await traffic.problems() == []
